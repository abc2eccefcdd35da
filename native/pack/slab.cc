#include "native/pack/slab.h"

#include <algorithm>
#include <mutex>
#include <new>

#include "native/pack/pages.h"
#include "native/pack/supply.h"
#include "native/plan/tensor.h"
#include "native/round.h"

namespace octavo {
namespace {

// What is not taken of a slab costs addresses, not memory.
constexpr size_t kSlabBytes = 32 << 20;

std::mutex mutex;
Slab* latest = nullptr;  // that pieces are taken from, as long as one of its is in use

}  // namespace

Slab::Piece Slab::take(size_t bytes) {
  const size_t size = roundUp(bytes, kTensorAlignment);
  std::lock_guard<std::mutex> lock(mutex);
  if (latest == nullptr || latest->bytes_ - latest->used_ < size) {
    const size_t all = std::max(kSlabBytes, roundUp(size, kHugePage));
    uint8_t* const data = mapPages(all);
    if (data == nullptr) return {nullptr, nullptr};
    latest = new (std::nothrow) Slab(data, all);
    if (latest == nullptr) {
      unmapPages(data, all);
      return {nullptr, nullptr};
    }
  }
  uint8_t* const data = latest->data_ + latest->used_;
  latest->used_ += size;
  latest->pieces_++;
  latest->supply();
  return {data, latest};
}

void Slab::supply() {
  uint8_t* const end = data_ + used_;
  if (supplied_ >= end) return;
  supplied_ = supplyPages(supplied_, static_cast<size_t>(end - supplied_), data_, bytes_);
}

void Slab::giveBack() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (--pieces_ > 0) return;
    if (latest == this) latest = nullptr;
  }
  unmapPages(data_, bytes_);
  delete this;
}

}  // namespace octavo
