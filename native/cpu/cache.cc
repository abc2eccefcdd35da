#include "native/cpu/cache.h"

#include <algorithm>
#include <cstdint>

#if defined(__linux__)
#include <unistd.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace octavo {
namespace {

int64_t toldBytes() {
#if defined(__linux__) && defined(_SC_LEVEL2_CACHE_SIZE)
  return sysconf(_SC_LEVEL2_CACHE_SIZE);
#elif defined(__APPLE__)
  int64_t bytes = 0;
  size_t size = sizeof bytes;
  // Shared by the cores of a cluster, which are four or more.
  if (sysctlbyname("hw.perflevel0.l2cachesize", &bytes, &size, nullptr, 0) == 0) return bytes / 4;
  return sysctlbyname("hw.l2cachesize", &bytes, &size, nullptr, 0) == 0 ? bytes : 0;
#else
  return 0;
#endif
}

}  // namespace

size_t secondLevelCacheBytes() {
  static const size_t bytes = [] {
    constexpr int64_t kUnknown = 512 << 10, kLeast = 128 << 10, kMost = 8 << 20;
    const int64_t told = toldBytes();
    return static_cast<size_t>(std::clamp(told > 0 ? told : kUnknown, kLeast, kMost));
  }();
  return bytes;
}

}  // namespace octavo
