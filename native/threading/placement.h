// Where a thread runs. Two threads that share a fork must not wait for one CPU while another is
// idle: a system that is busy for a moment puts them so when one wakes the other, and leaves them
// there for milliseconds. All of this is advice; a system that does not take it changes nothing.
#pragma once

#include <atomic>

#if defined(__linux__)
#include <sched.h>
#endif

namespace octavo {

// The CPU that the calling thread is on, or -1 where that is not told.
int currentCpu();

// The CPUs that one thread may be on. Never more than it was given from outside.
class Placement {
 public:
  // Makes this the calling thread's.
  void adopt();
  // Takes the thread off that CPU, if it may be on another one, until the next restore(). From any
  // thread, one at a time.
  void keepOff(int cpu);
  void restore();

 private:
#if defined(__linux__)
  int thread_ = 0;
  cpu_set_t given_;
  bool narrowed_ = false;
#endif
};

}  // namespace octavo
