#include "native/pack/store.h"

namespace octavo {

PackedBuffer PackStore::get(const TensorInfo& weight, const std::string& form,
                            const std::function<AlignedBuffer()>& pack) {
  if (weight.space != Space::kModel) return std::make_shared<const AlignedBuffer>(pack());
  const std::lock_guard<std::mutex> lock(mutex_);
  PackedBuffer& packed = packed_[{weight.offset, form}];
  if (packed == nullptr) packed = std::make_shared<const AlignedBuffer>(pack());
  return packed;
}

size_t PackStore::bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t sum = 0;
  for (const auto& entry : packed_) sum += entry.second->bytes();
  return sum;
}

}  // namespace octavo
