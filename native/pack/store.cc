#include "native/pack/store.h"

#include <cstdlib>
#include <new>

namespace octavo {
namespace {

// calloc keeps large buffers untouched until they are written; the address it gave lies in front.
constexpr size_t kPrefix = kTensorAlignment + sizeof(void*);

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes) : bytes_(bytes) {
  if (bytes > SIZE_MAX - kPrefix - kTensorSlack) throw std::bad_alloc();
  void* block = std::calloc(1, bytes + kPrefix + kTensorSlack);
  if (block == nullptr) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(block) + kPrefix;
  auto* aligned = reinterpret_cast<uint8_t*>(address / kTensorAlignment * kTensorAlignment);
  reinterpret_cast<void**>(aligned)[-1] = block;
  data_.reset(aligned);
}

void AlignedBuffer::Free::operator()(uint8_t* data) const {
  std::free(reinterpret_cast<void**>(data)[-1]);
}

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
