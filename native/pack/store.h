// Packed weights of one model, each packed once however many plans use it. Keyed by where the raw
// weight lies in the model's constants and by a text that tells everything the packed form depends
// on (kernel name, dims). Weights in a plan's own constants are packed for that plan alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "native/pack/buffer.h"
#include "native/plan/tensor.h"

namespace octavo {

using PackedBuffer = std::shared_ptr<const AlignedBuffer>;

class PackStore {
 public:
  // The packed form of `weight`, made by `pack` unless it is there already. Thread-safe: who asks
  // for what another thread is packing waits for it.
  PackedBuffer get(const TensorInfo& weight, const std::string& form,
                   const std::function<AlignedBuffer()>& pack);
  // Bytes held.
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    std::mutex mutex;
    PackedBuffer packed;
  };

  std::mutex mutex_;
  std::map<std::pair<size_t, std::string>, Entry> entries_;  // they stay where they are
  std::atomic<size_t> bytes_{0};
};

}  // namespace octavo
