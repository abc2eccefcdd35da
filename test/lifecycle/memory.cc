// Buffers of all sizes, taken and let go by several threads: each must be zeroed, aligned and
// nobody else's, and nothing may be left of slabs whose last buffer is gone. Pages are taken as
// asked, and huge ones judged by what they cost.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "native/pack/buffer.h"
#include "native/pack/pagecost.h"
#include "native/pack/pages.h"
#include "native/pack/supply.h"

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

bool isHighAfter(const std::vector<int64_t>& times) {
  PageCost cost;
  for (const int64_t time : times) cost.add(time, 100);
  return cost.isHigh();
}

void requireJudgement() {
  require(!isHighAfter({100, 1, 100, 99}), "what is allowed is too much");
  require(!isHighAfter({180, 20, 180, 20, 200, 0, 199}),
          "what is soon made up for is not forgotten");
  require(isHighAfter({160, 160}) && isHighAfter({130, 130, 130, 130}), "bit by bit is all right");
  require(isHighAfter({10, 201, 1, 1}), "far too much is forgotten");
}

// Pages of parts of a room, wherever they begin and end.
void requireSupply() {
  constexpr size_t kRoom = 3 * kHugePage;
  uint8_t* const all = mapPages(kRoom);
  if (all == nullptr) return;
  for (const size_t begin : {size_t{0}, size_t{4096}, kHugePage - 8192, kHugePage + 64}) {
    for (const size_t bytes : {size_t{1}, size_t{70000}, kHugePage, kHugePage + 5}) {
      uint8_t* const room = all + 4096;
      uint8_t* const data = room + begin;
      uint8_t* const end = supplyPages(data, bytes, room, kRoom - 8192);
      require(end >= data + bytes && end < data + bytes + kHugePage, "an odd end");
      require(end == data + bytes || reinterpret_cast<uintptr_t>(end) % kHugePage == 0,
              "no page's");
      require(hasPage(data) && hasPage(data + bytes - 1) && hasPage(end - 1), "not there");
      require(data[0] == 0 && end[-1] == 0, "not zeroed");
    }
  }
  std::memset(all, 1, kRoom);
  supplyPages(all + kHugePage + 64, kHugePage, all, kRoom);
  for (size_t i = 0; i < kRoom; i++) require(all[i] == 1, "what was there is gone");
  unmapPages(all, kRoom);
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
  octavo::requireJudgement();
  octavo::requireSupply();
  std::printf("ended\n");
}
