// One thread of the pool. It is given one thing to do at a time: a seat in a fork, or a look at the
// queue of jobs. In between it waits, hot for the length of a pause between two steps or two runs,
// then asleep.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "native/threading/fork.h"
#include "native/threading/os.h"
#include "native/threading/placement.h"

namespace octavo {

class Worker {
 public:
  // Where the worker turns between forks.
  class Queue {
   public:
    virtual ~Queue() = default;
    virtual bool hasJobs() const = 0;
    virtual void runJobs() = 0;
  };

  // How an idle worker would take to work, from the best.
  enum Readiness { kHot, kAsleep, kBehindCaller, kReadinesses };

  // `mayWaitHot`: whether there is a CPU for it to wait on while others work.
  Worker(Queue& queue, bool mayWaitHot) : queue_(queue), mayWaitHot_(mayWaitHot) {}

  // False when the system has no thread to give. At first the worker looks at the queue.
  bool start();

  // Also on its way to a queue that somebody else has emptied meanwhile.
  bool isIdle() const {
    const uintptr_t task = task_.load(std::memory_order_relaxed);
    return task == kIdle || (task == kLook && !queue_.hasJobs());
  }
  // Of an idle worker, seen from a caller on that CPU.
  Readiness readiness(int callerCpu) const;

  // Gives an idle worker a seat, or sends it to the queue; false when it is no longer idle.
  bool offer(Seat* seat, int callerCpu);
  bool sendToQueue();
  // Takes a seat back that the worker has not taken yet; false when it has.
  bool takeBack(Seat* seat);

 private:
  // A task is one of these, or the address of a seat.
  static constexpr uintptr_t kIdle = 0, kBusy = 1, kLook = 2;

  static void main(void* self) { static_cast<Worker*>(self)->loop(); }
  void loop();
  // Returns with a task that is this worker's from then on.
  uintptr_t await();
  bool waitHot();
  // Lets the worker be on any CPU again.
  void freePlace();
  void sleep();
  bool give(uintptr_t before, uintptr_t task);
  void wake(int exceptCpu);

  Queue& queue_;
  const bool mayWaitHot_;
  std::atomic<uintptr_t> task_{kBusy};
  std::atomic<bool> asleep_{false};
  std::atomic<int> cpu_{-1};  // where it last waited hot
  Placement placement_;       // under the mutex
  Mutex mutex_;
  Condition wake_;
};

}  // namespace octavo
