// Packed weights of one model, each packed once however many plans use it. Keyed by where the raw
// weight lies in the model's constants and by a text that tells everything the packed form depends
// on (kernel name, dims). Weights in a plan's own constants are packed for that plan alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "native/plan/tensor.h"

namespace octavo {

// 64-byte aligned memory with kTensorSlack readable bytes behind it, zeroed.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes);
  uint8_t* data() const { return data_.get(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(uint8_t* data) const;
  };
  std::unique_ptr<uint8_t, Free> data_;
  size_t bytes_ = 0;
};

using PackedBuffer = std::shared_ptr<const AlignedBuffer>;

class PackStore {
 public:
  // The packed form of `weight`, made by `pack` unless it is there already. Thread-safe.
  PackedBuffer get(const TensorInfo& weight, const std::string& form,
                   const std::function<AlignedBuffer()>& pack);
  // Bytes held.
  size_t bytes() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<size_t, std::string>, PackedBuffer> packed_;
};

}  // namespace octavo
