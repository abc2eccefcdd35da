// The memory of weights and of runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "native/plan/tensor.h"

namespace octavo {

// When memory takes up room: as it is written, or at once, which is faster where all of it will be;
// then in small pages, which the system joins in time.
enum class Pages { kAsWritten, kAtOnce };

// 64-byte aligned memory with kTensorSlack readable bytes behind it, zeroed. Where the system has
// huge pages for those who ask, large buffers lie on them: weights that stream by at the speed of
// the kernels cross a small page every few rows of a panel, and looking it up takes longer than
// multiplying what is on it.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes, Pages pages = Pages::kAsWritten);
  uint8_t* data() const { return data_.get(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(uint8_t* data) const;
  };
  std::unique_ptr<uint8_t, Free> data_;
  size_t bytes_ = 0;
};

}  // namespace octavo
