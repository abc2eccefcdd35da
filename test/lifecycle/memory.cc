// Buffers of all sizes, taken and let go by several threads: each must be zeroed, aligned and
// nobody else's, and nothing may be left of slabs whose last buffer is gone.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "native/pack/buffer.h"
#include "native/pack/pages.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace octavo {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  std::exit(1);
}

bool holdsOnly(const AlignedBuffer& buffer, uint8_t byte) {
  for (size_t i = 0; i < buffer.bytes() + kTensorSlack; i++) {
    if (buffer.data()[i] != byte) return false;
  }
  return true;
}

void fill(const AlignedBuffer& buffer, uint8_t byte) {
  std::memset(buffer.data(), byte, buffer.bytes() + kTensorSlack);
}

void takeAndLetGo(uint8_t self) {
  const size_t sizes[] = {0, 1, 63, 4096, 100000, kHugePage - 200, kHugePage, kHugePage + 12345};
  std::vector<AlignedBuffer> buffers;
  for (int round = 0; round < 9; round++) {
    for (const size_t size : sizes) {
      const Pages pages = (round + size) % 5 == 0 ? Pages::kOwn : Pages::kShared;
      buffers.emplace_back(size, pages);
      const AlignedBuffer& last = buffers.back();
      require(reinterpret_cast<uintptr_t>(last.data()) % kTensorAlignment == 0, "askew");
      require(last.bytes() == size && holdsOnly(last, 0), "not zeroed");
      fill(last, self);
    }
    while (buffers.size() > 16) {
      const size_t at = static_cast<size_t>(round * 7) % buffers.size();
      require(holdsOnly(buffers[at], self), "somebody else's");
      std::swap(buffers[at], buffers.back());
      buffers.pop_back();
    }
  }
}

#if defined(__linux__)
bool isMapped(const uint8_t* data) {
  const auto page = reinterpret_cast<uintptr_t>(data) / 65536 * 65536;
  return msync(reinterpret_cast<void*>(page), 1, MS_ASYNC) == 0;
}

void requireSlabsToGo() {
  std::vector<AlignedBuffer> buffers;
  for (int i = 0; i < 40; i++) buffers.emplace_back(kHugePage, Pages::kShared);
  buffers.emplace_back(size_t{100} << 20, Pages::kShared);  // more than a slab
  std::vector<const uint8_t*> places;
  for (const AlignedBuffer& buffer : buffers) places.push_back(buffer.data());
  require(places[1] - places[0] < static_cast<ptrdiff_t>(2 * kHugePage), "not shared");
  const AlignedBuffer first = std::move(buffers.front());
  buffers.clear();
  require(isMapped(first.data()) && holdsOnly(first, 0), "gone with the others");
  require(!isMapped(places[30]) && !isMapped(places.back()), "left behind");
}
#else
void requireSlabsToGo() {}
#endif

}  // namespace
}  // namespace octavo

int main() {
  std::vector<std::thread> threads;
  for (uint8_t i = 1; i <= 4; i++) threads.emplace_back(octavo::takeAndLetGo, i);
  for (std::thread& thread : threads) thread.join();
  octavo::requireSlabsToGo();
  std::printf("ended\n");
}
