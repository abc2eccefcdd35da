#include "native/pack/buffer.h"

#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace octavo {
namespace {

// What lies in front of the data: where the memory begins, and its bytes if it was mapped.
struct Origin {
  void* block;
  size_t mapped;
};

constexpr size_t kPrefix = kTensorAlignment + sizeof(Origin);
constexpr size_t kHugePage = 2 << 20;

#if defined(__linux__)
// As large as any system's small pages: mappings begin and end on such.
constexpr size_t kSmallPage = 64 << 10;

// Zeroed memory of whole small pages that begins on a huge page; null where there is none.
void* map(size_t bytes) {
  const size_t room = bytes + kHugePage;
  void* const all = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<uint8_t*>(all);
  const size_t skipped = (kHugePage - reinterpret_cast<uintptr_t>(all) % kHugePage) % kHugePage;
  if (skipped > 0) munmap(begin, skipped);
  if (skipped < kHugePage) munmap(begin + skipped + bytes, kHugePage - skipped);
  return begin + skipped;
}

// Lets memory of map() lie on huge pages as far as it fills them.
void useHugePages(void* data, size_t bytes) {
  madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
}
#endif

// Takes the pages that memory nobody has written to yet fills.
void takePages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  // MADV_POPULATE_WRITE, which headers older than Linux 5.14 lack. Where the system does, pages are
  // taken as they are written.
  constexpr int kPopulateWrite = 23;
  const auto begin = reinterpret_cast<uintptr_t>(data), end = begin + bytes;
  const uintptr_t first = (begin + kSmallPage - 1) / kSmallPage * kSmallPage;
  const uintptr_t last = end / kSmallPage * kSmallPage;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, kPopulateWrite);
#endif
}

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes, Pages pages) : bytes_(bytes) {
  if (bytes > SIZE_MAX - kPrefix - kTensorSlack - 2 * kHugePage) throw std::bad_alloc();
  const size_t all = bytes + kPrefix + kTensorSlack;
  Origin origin{nullptr, 0};
#if defined(__linux__)
  if (all >= kHugePage) {
    const size_t size = (all + kSmallPage - 1) / kSmallPage * kSmallPage;
    origin = {map(size), size};
    if (origin.block != nullptr) {
      // Huge pages that are not there yet cost most where a host has to find them: what is taken at
      // once takes small ones, which the system joins in time.
      if (pages == Pages::kAtOnce) takePages(origin.block, size);
      useHugePages(origin.block, size);
    }
  }
#endif
  // calloc too keeps large buffers untouched until they are written.
  if (origin.block == nullptr) origin = {std::calloc(1, all), 0};
  if (origin.block == nullptr) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(origin.block) + kPrefix;
  auto* aligned = reinterpret_cast<uint8_t*>(address / kTensorAlignment * kTensorAlignment);
  reinterpret_cast<Origin*>(aligned)[-1] = origin;
  data_.reset(aligned);
  if (pages == Pages::kAtOnce && origin.mapped == 0) takePages(aligned, bytes);
}

void AlignedBuffer::Free::operator()(uint8_t* data) const {
  const Origin origin = reinterpret_cast<const Origin*>(data)[-1];
#if defined(__linux__)
  if (origin.mapped > 0) {
    munmap(origin.block, origin.mapped);
    return;
  }
#endif
  std::free(origin.block);
}

}  // namespace octavo
