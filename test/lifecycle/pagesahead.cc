// Memory whose pages another thread takes, written to and given back as soon as that has ended:
// at once, in the middle, and when it is done.
#include "native/binding/pagesahead.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "native/pack/pages.h"
#include "native/threading/os.h"

int main() {
  using namespace octavo;
  constexpr size_t kBytes = kHugePage + 100000, kSmall = 1000;
  for (int round = 0; round < 60; round++) {
    uint8_t* const data = mapPages(kBytes);
    if (data == nullptr) break;
    uint8_t small[kSmall];
    {
      const PagesAhead ahead({{small, kSmall}, {data, kBytes}}, 1);
      const uint64_t end = nanoseconds() + static_cast<uint64_t>(round % 6) * 50000;
      while (nanoseconds() < end) relax();
    }
    std::memset(data, round, kBytes);
    for (size_t i = 0; i < kBytes; i++) {
      if (data[i] != static_cast<uint8_t>(round)) {
        std::printf("written to by somebody else\n");
        return 1;
      }
    }
    unmapPages(data, kBytes);
  }
  std::printf("ended\n");
}
