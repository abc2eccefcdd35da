#include "native/threading/placement.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace octavo {

#if defined(__linux__)

int currentCpu() { return sched_getcpu(); }

void Placement::adopt() { thread_ = static_cast<int>(syscall(SYS_gettid)); }

void Placement::keepOff(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  restore();
  if (sched_getaffinity(thread_, sizeof given_, &given_) != 0) return;
  cpu_set_t others = given_;
  CPU_CLR(cpu, &others);
  if (CPU_COUNT(&others) == 0 || CPU_EQUAL(&others, &given_)) return;
  narrowed_ = sched_setaffinity(thread_, sizeof others, &others) == 0;
}

void Placement::restore() {
  if (!narrowed_) return;
  sched_setaffinity(thread_, sizeof given_, &given_);
  narrowed_ = false;
}

#else

#if defined(_WIN32)
int currentCpu() { return static_cast<int>(GetCurrentProcessorNumber()); }
#else
int currentCpu() { return -1; }
#endif

void Placement::adopt() {}
void Placement::keepOff(int) {}
void Placement::restore() {}

#endif

}  // namespace octavo
