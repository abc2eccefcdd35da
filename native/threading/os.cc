#include "native/threading/os.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "native/threading/cgroup.h"

#if !defined(_WIN32)
#include <sched.h>
#include <time.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace octavo {
namespace {

struct Start {
  void (*body)(void* argument);
  void* argument;
};

#if defined(_WIN32)
DWORD WINAPI enter(void* start) {
#else
void* enter(void* start) {
#endif
  const std::unique_ptr<Start> owned(static_cast<Start*>(start));
  owned->body(owned->argument);
  return 0;
}

}  // namespace

bool startThread(void (*body)(void* argument), void* argument) {
  auto start = std::make_unique<Start>(Start{body, argument});
#if defined(_WIN32)
  HANDLE thread = CreateThread(nullptr, 0, enter, start.get(), 0, nullptr);
  if (thread == nullptr) return false;
  CloseHandle(thread);
#else
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, enter, start.get()) == 0;
  pthread_attr_destroy(&attributes);
  if (!started) return false;
#endif
  start.release();
  return true;
}

void yieldThread() {
#if defined(_WIN32)
  SwitchToThread();
#else
  sched_yield();
#endif
}

void makeWay() {
#if defined(__linux__)
  // A thread that wakes up takes a CPU at once from one whose time weighs so much less, or, where
  // Linux plans by deadlines (6.12 and later), from one that asked for longer slices; and waits for
  // the end of its slice otherwise, some milliseconds. In Linux a nice value is a thread's, not a
  // process's.
  constexpr int kNicer = 10;
  constexpr uint64_t kSlice = 20'000'000;  // nanoseconds
  const int nice = std::min(getpriority(PRIO_PROCESS, 0) + kNicer, 19);
  setpriority(PRIO_PROCESS, 0, nice);
  // struct sched_attr, which C libraries do not declare: SCHED_OTHER, nice, and a slice.
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } const attributes{48, 0, 0, nice, 0, kSlice, 0, 0};
  syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ volatile("yield");
#endif
}

uint64_t nanoseconds() {
#if defined(_WIN32)
  LARGE_INTEGER ticks, perSecond;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&perSecond);
  return static_cast<uint64_t>(static_cast<double>(ticks.QuadPart) * 1e9 /
                               static_cast<double>(perSecond.QuadPart));
#else
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000 + static_cast<uint64_t>(time.tv_nsec);
#endif
}

unsigned usableCpus() {
  unsigned count = 1;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    count = static_cast<unsigned>(CPU_COUNT(&set));
  } else {  // more CPUs than the set has room for
    count = static_cast<unsigned>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L));
  }
  const double quota = cgroupQuota();
  if (quota < count) count = static_cast<unsigned>(std::ceil(quota));
#elif defined(_WIN32)
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  count = info.dwNumberOfProcessors;
#else
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (online > 0) count = static_cast<unsigned>(online);
#endif
  return std::max(count, 1u);
}

}  // namespace octavo
