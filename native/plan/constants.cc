#include "native/plan/constants.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace octavo {

size_t ModelConstants::keptBytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return keptBytes_;
}

bool ModelConstants::keeps(size_t offset, size_t bytes) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto after = kept_.upper_bound(offset);
  if (after == kept_.begin()) return false;
  const auto& [begin, length] = *std::prev(after);
  return offset - begin <= length && bytes <= length - (offset - begin);
}

void ConstantPart::write(Isa isa, uint8_t* to) const {
  if (moved.has_value()) {
    turn(*moved, isa, data, to);
  } else {
    std::memcpy(to, data, bytes);
  }
}

void ModelConstants::keep(const ConstantPart& part, Isa isa) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!kept_.emplace(part.offset, part.bytes).second) return;
  keptBytes_ += part.bytes;
  part.write(isa, block_.data() + part.offset);
}

bool ConstantSource::has(const TensorInfo& tensor) const {
  return tensor.bytes == 0 || constants_.keeps(tensor.offset, tensor.bytes) ||
         find(tensor) != nullptr;
}

const uint8_t* ConstantSource::keep(const TensorInfo& tensor) {
  if (tensor.bytes > 0 && !constants_.keeps(tensor.offset, tensor.bytes)) {
    constants_.keep(*find(tensor), isa_);
  }
  return constants_.data() + tensor.offset;
}

const uint8_t* ConstantSource::peek(const TensorInfo& tensor) {
  if (tensor.bytes == 0 || constants_.keeps(tensor.offset, tensor.bytes)) {
    return constants_.data() + tensor.offset;
  }
  const ConstantPart* part = find(tensor);
  return dataOf(*part) + (tensor.offset - part->offset);
}

const uint8_t* ConstantSource::dataOf(const ConstantPart& part) {
  if (!part.moved.has_value()) return part.data;
  if (turnedCount_ == turned_.size()) turned_.emplace_back();
  AlignedBuffer& buffer = turned_[turnedCount_++];
  if (buffer.bytes() < part.bytes) buffer = AlignedBuffer(part.bytes);
  part.write(isa_, buffer.data());
  return buffer.data();
}

const ConstantPart* ConstantSource::find(const TensorInfo& tensor) const {
  const auto after = std::upper_bound(
      parts_.begin(), parts_.end(), tensor.offset,
      [](size_t offset, const ConstantPart& part) { return offset < part.offset; });
  if (after == parts_.begin()) return nullptr;
  const ConstantPart& part = *std::prev(after);
  const size_t skipped = tensor.offset - part.offset;
  return skipped <= part.bytes && tensor.bytes <= part.bytes - skipped ? &part : nullptr;
}

}  // namespace octavo
