// The memory of weights and of runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "native/plan/tensor.h"

namespace octavo {

// Whether a buffer lies on pages of its own, which take up room as they are written, or on those of
// a slab, as buffers should that are written at once and live as long as each other: the weights of
// a model.
enum class Pages { kOwn, kShared };

// 64-byte aligned memory with kTensorSlack readable bytes behind it, zeroed. Where the system is
// quick to find huge pages, large buffers lie on them: weights that stream by at the speed of the
// kernels cross a small page every few rows of a panel, and looking it up may take longer than
// multiplying what is on it.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes, Pages pages = Pages::kOwn);
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
