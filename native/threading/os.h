// Threads and waiting, straight from the operating system. libstdc++'s own would raise the oldest
// system that the prebuilt addon loads on (condition_variable::wait needs GLIBCXX_3.4.30).
#pragma once

#include <cstdint>

#if defined(_WIN32)
#include <windows.h>
#else
#include <pthread.h>
#endif

namespace octavo {

#if defined(_WIN32)

class Mutex {
 public:
  void lock() { AcquireSRWLockExclusive(&lock_); }
  void unlock() { ReleaseSRWLockExclusive(&lock_); }

 private:
  friend class Condition;
  SRWLOCK lock_ = SRWLOCK_INIT;
};

class Condition {
 public:
  void wait(Mutex& mutex) { SleepConditionVariableSRW(&condition_, &mutex.lock_, INFINITE, 0); }
  void notifyAll() { WakeAllConditionVariable(&condition_); }

 private:
  CONDITION_VARIABLE condition_ = CONDITION_VARIABLE_INIT;
};

#else

class Mutex {
 public:
  void lock() { pthread_mutex_lock(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  friend class Condition;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

class Condition {
 public:
  void wait(Mutex& mutex) { pthread_cond_wait(&condition_, &mutex.mutex_); }
  void notifyAll() { pthread_cond_broadcast(&condition_); }

 private:
  pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;
};

#endif

// Starts a thread that lasts as long as the process; false when the system has none to give.
bool startThread(void (*body)(void* argument), void* argument);

// Lets another thread have this one's CPU.
void yieldThread();

// From now on the calling thread makes way for others that want its CPU for a moment, the event
// loop's above all. Takes no time from it while nobody does. Advice, which only Linux takes.
void makeWay();

// Tells the CPU that this thread waits in a loop.
void relax();

// Of a clock that only goes forward.
uint64_t nanoseconds();

// CPUs that this process may use: its affinity, cut down by a cgroup quota. At least 1.
unsigned usableCpus();

}  // namespace octavo
