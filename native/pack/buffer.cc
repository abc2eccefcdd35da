#include "native/pack/buffer.h"

#include <cstdlib>
#include <new>

#include "native/pack/pages.h"
#include "native/pack/slab.h"
#include "native/pack/supply.h"

namespace octavo {
namespace {

// What lies in front of the data: where the memory is from.
struct Origin {
  Slab* slab;      // that it is a piece of, or null
  uint8_t* block;  // else where it begins,
  size_t mapped;   // and its bytes if it was mapped
};

constexpr size_t kPrefix = kTensorAlignment + sizeof(Origin);

Origin allocate(size_t bytes, Pages pages) {
  Origin origin{};
  if (pages == Pages::kShared) {
    const Slab::Piece piece = Slab::take(bytes);
    origin = {piece.slab, piece.data, 0};
  } else if (bytes >= kHugePage) {
    origin = {nullptr, mapPages(bytes), bytes};
    if (origin.block != nullptr && areHugePagesCheap()) useHugePages(origin.block, bytes);
  }
  // calloc too keeps large buffers untouched until they are written.
  if (origin.block == nullptr) origin = {nullptr, static_cast<uint8_t*>(std::calloc(1, bytes)), 0};
  if (origin.block == nullptr) throw std::bad_alloc();
  return origin;
}

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes, Pages pages) : bytes_(bytes) {
  if (bytes > SIZE_MAX - kPrefix - kTensorSlack - 2 * kHugePage) throw std::bad_alloc();
  const Origin origin = allocate(bytes + kPrefix + kTensorSlack, pages);
  const auto address = reinterpret_cast<uintptr_t>(origin.block) + kPrefix;
  auto* aligned = reinterpret_cast<uint8_t*>(address / kTensorAlignment * kTensorAlignment);
  reinterpret_cast<Origin*>(aligned)[-1] = origin;
  data_.reset(aligned);
}

void AlignedBuffer::Free::operator()(uint8_t* data) const {
  const Origin origin = reinterpret_cast<const Origin*>(data)[-1];
  if (origin.slab != nullptr) {
    origin.slab->giveBack();
  } else if (origin.mapped > 0) {
    unmapPages(origin.block, origin.mapped);
  } else {
    std::free(origin.block);
  }
}

}  // namespace octavo
