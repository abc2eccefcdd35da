#include "native/pack/store.h"

namespace octavo {

PackedBuffer PackStore::get(const TensorInfo& weight, const std::string& form,
                            const std::function<AlignedBuffer()>& pack) {
  if (weight.space != Space::kModel) return std::make_shared<const AlignedBuffer>(pack());
  Entry* entry;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    entry = &entries_[{weight.offset, form}];
  }
  const std::lock_guard<std::mutex> lock(entry->mutex);
  if (entry->packed == nullptr) {
    entry->packed = std::make_shared<const AlignedBuffer>(pack());
    bytes_.fetch_add(entry->packed->bytes(), std::memory_order_relaxed);
  }
  return entry->packed;
}

}  // namespace octavo
