#include "native/threading/os.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#if !defined(_WIN32)
#include <sched.h>
#include <unistd.h>
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

#if defined(__linux__)
bool readLine(const std::string& path, char* line, int size) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return false;
  const bool read = std::fgets(line, size, file) != nullptr;
  std::fclose(file);
  return read;
}

// CPUs that the quota of a cgroup allows; infinity without one.
double quotaOf(const std::string& folder) {
  char line[128];
  long long quota = 0;
  long long period = 0;
  if (readLine(folder + "/cpu.max", line,
               sizeof line)) {  // version 2: "quota period" or "max period"
    if (std::sscanf(line, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0) {
      return static_cast<double>(quota) / static_cast<double>(period);
    }
  } else if (readLine(folder + "/cpu.cfs_quota_us", line, sizeof line)) {  // version 1
    quota = std::atoll(line);
    if (quota > 0 && readLine(folder + "/cpu.cfs_period_us", line, sizeof line)) {
      period = std::atoll(line);
      if (period > 0) return static_cast<double>(quota) / static_cast<double>(period);
    }
  }
  return INFINITY;
}

// The tightest quota on the way from this process's own cgroup up to the root.
double cgroupQuota() {
  double least = std::min(quotaOf("/sys/fs/cgroup"), quotaOf("/sys/fs/cgroup/cpu"));
  char line[1024];
  if (!readLine("/proc/self/cgroup", line, sizeof line)) return least;
  if (std::strncmp(line, "0::", 3) != 0) return least;
  std::string path(line + 3);
  while (!path.empty() && (path.back() == '\n' || path.back() == '/')) path.pop_back();
  while (!path.empty()) {
    least = std::min(least, quotaOf("/sys/fs/cgroup" + path));
    path.resize(path.rfind('/'));
  }
  return least;
}
#endif

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

unsigned usableCpus() {
  unsigned count = 1;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = static_cast<unsigned>(CPU_COUNT(&set));
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
