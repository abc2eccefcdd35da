#include "native/pack/supply.h"

#if defined(__linux__)
#include <time.h>

#include <algorithm>

#include "native/pack/pagecost.h"
#include "native/pack/pages.h"
#endif

namespace octavo {

#if defined(__linux__)
namespace {

// A huge page may take the system so many times as long as small ones for as much memory.
constexpr int64_t kMostTimes = 3;

// Nanoseconds that the calling thread had a CPU.
int64_t threadTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

// Until memory is there at full speed.
int64_t timeToTake(uint8_t* data, size_t bytes) {
  const int64_t begin = threadTime();
  takePages(data, bytes);
  touchPages(data, bytes);
  return threadTime() - begin;
}

// Of small pages for as much memory as a huge one has.
int64_t timeOfSmallPages() {
  static const int64_t time = [] {
    constexpr size_t kShare = 8, kBytes = kHugePage / kShare;
    uint8_t* const data = mapPages(kBytes);
    if (data == nullptr) return int64_t{0};
    const int64_t taken = kShare * timeToTake(data, kBytes);
    unmapPages(data, kBytes);
    return taken;
  }();
  return time;
}

PageCost cost;  // of huge pages

void takeHugePage(uint8_t* data) {
  const int64_t most = kMostTimes * timeOfSmallPages();
  useHugePages(data, kHugePage);
  cost.add(timeToTake(data, kHugePage), most);
}

}  // namespace

bool areHugePagesCheap() { return !cost.isHigh(); }

uint8_t* supplyPages(uint8_t* data, size_t bytes, uint8_t* room, size_t roomBytes) {
  const auto addressOf = [](const uint8_t* place) { return reinterpret_cast<uintptr_t>(place); };
  const uintptr_t roomEnd = addressOf(room) + roomBytes;
  uint8_t* const end = data + bytes;
  while (data < end) {
    const uintptr_t begin = addressOf(data) / kHugePage * kHugePage, next = begin + kHugePage;
    const size_t left = next - addressOf(data);
    if (areHugePagesCheap() && begin >= addressOf(room) && next <= roomEnd) {
      takeHugePage(data + left - kHugePage);
      data += left;
    } else {
      const size_t piece = std::min(left, static_cast<size_t>(end - data));
      takePages(data, piece);
      data += piece;
    }
  }
  return data;
}
#else
bool areHugePagesCheap() { return true; }
uint8_t* supplyPages(uint8_t* data, size_t bytes, uint8_t*, size_t) { return data + bytes; }
#endif

}  // namespace octavo
