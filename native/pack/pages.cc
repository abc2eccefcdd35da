#include "native/pack/pages.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>

#include "native/round.h"
#endif

namespace octavo {

#if defined(__linux__)
namespace {

// As large as any system's small pages: mappings begin and end on such.
constexpr size_t kSmallPage = 64 << 10;

uintptr_t pageBytes() { return static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

uint8_t* mapPages(size_t bytes) {
  const size_t size = roundUp(bytes, kSmallPage), room = size + kHugePage;
  void* const all = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  const auto address = reinterpret_cast<uintptr_t>(all);
  const size_t skipped = roundUp(address, kHugePage) - address;
  uint8_t* const data = static_cast<uint8_t*>(all) + skipped;
  if (skipped > 0) munmap(all, skipped);
  if (skipped < kHugePage) munmap(data + size, kHugePage - skipped);
  return data;
}

void unmapPages(uint8_t* data, size_t bytes) { munmap(data, roundUp(bytes, kSmallPage)); }

void useHugePages(uint8_t* data, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(data), end = begin + bytes;
  const uintptr_t first = roundUp(begin, kHugePage), last = end / kHugePage * kHugePage;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

void takePages(uint8_t* data, size_t bytes) {
  // MADV_POPULATE_WRITE, which headers older than Linux 5.14 lack. Where the system does, pages are
  // taken as they are written.
  constexpr int kPopulateWrite = 23;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t first = begin / pageBytes() * pageBytes();
  madvise(reinterpret_cast<void*>(first), begin + bytes - first, kPopulateWrite);
}

bool hasPage(uint8_t* data) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(data) / pageBytes() * pageBytes();
  unsigned char there = 0;
  return mincore(reinterpret_cast<void*>(first), 1, &there) != 0 || (there & 1) != 0;
}
#else
uint8_t* mapPages(size_t) { return nullptr; }
void unmapPages(uint8_t*, size_t) {}
void useHugePages(uint8_t*, size_t) {}
void takePages(uint8_t*, size_t) {}
bool hasPage(uint8_t*) { return true; }
#endif

void touchPages(const uint8_t* data, size_t bytes) {
  constexpr size_t kLeastPage = 4 << 10;
  for (size_t at = 0; at < bytes; at += kLeastPage) {
    static_cast<void>(*static_cast<const volatile uint8_t*>(data + at));
  }
}

}  // namespace octavo
