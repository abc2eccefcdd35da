#include "native/threading/worker.h"

#include <mutex>

namespace octavo {
namespace {

// About what it costs to wake up a thread, twice.
constexpr uint64_t kHotNanoseconds = 100000;
// Looks at the task between two looks at the clock, and at who else wants this CPU.
constexpr int kLooks = 128;

}  // namespace

bool Worker::start() { return startThread(&Worker::main, this); }

Worker::Readiness Worker::readiness(int callerCpu) const {
  if (asleep_.load(std::memory_order_relaxed)) return kAsleep;
  // A worker that waits where the caller runs cannot be running.
  const int cpu = cpu_.load(std::memory_order_relaxed);
  return cpu >= 0 && cpu == callerCpu ? kBehindCaller : kHot;
}

bool Worker::give(uintptr_t before, uintptr_t task) {
  return task_.compare_exchange_strong(before, task);
}

bool Worker::offer(Seat* seat, int callerCpu) {
  const auto task = reinterpret_cast<uintptr_t>(seat);
  if (!give(kIdle, task) && (queue_.hasJobs() || !give(kLook, task))) return false;
  // Sequentially consistent on both sides: either this sees asleep_, or sleep() sees the task.
  if (asleep_.load()) {
    wake(callerCpu);
  } else if (readiness(callerCpu) == kBehindCaller) {
    std::lock_guard<Mutex> lock(mutex_);
    placement_.keepOff(callerCpu);
  }
  return true;
}

bool Worker::sendToQueue() {
  if (!give(kIdle, kLook)) return false;
  if (asleep_.load()) wake(-1);
  return true;
}

bool Worker::takeBack(Seat* seat) { return give(reinterpret_cast<uintptr_t>(seat), kIdle); }

void Worker::wake(int exceptCpu) {
  {
    std::lock_guard<Mutex> lock(mutex_);
    placement_.keepOff(exceptCpu);
  }
  wake_.notifyAll();
}

void Worker::loop() {
  placement_.adopt();
  makeWay();
  for (uintptr_t task = kLook;; task = await()) {
    if (task == kLook) {
      freePlace();
      queue_.runJobs();
      task_.store(kIdle);
    } else {
      Fork& fork = *reinterpret_cast<Seat*>(task)->fork;
      fork.work(reinterpret_cast<Seat*>(task)->index);
      // Idle before the caller goes on, so that its next fork finds the worker.
      task_.store(kIdle);
      fork.helpers.fetch_sub(1, std::memory_order_release);
    }
  }
}

uintptr_t Worker::await() {
  // Sequentially consistent on both sides: either a job that comes now finds the worker idle, or
  // the worker finds the job.
  if (queue_.hasJobs() && give(kIdle, kBusy)) return kLook;
  for (;;) {
    if (!mayWaitHot_ || !waitHot()) sleep();
    const uintptr_t task = task_.load();
    if (task != kIdle && give(task, kBusy)) return task;
  }
}

bool Worker::waitHot() {
  for (const uint64_t end = nanoseconds() + kHotNanoseconds; nanoseconds() < end; yieldThread()) {
    cpu_.store(currentCpu(), std::memory_order_relaxed);
    for (int i = 0; i < kLooks; i++) {
      if (task_.load(std::memory_order_relaxed) != kIdle) return true;
      relax();
    }
  }
  return false;
}

void Worker::freePlace() {
  std::lock_guard<Mutex> lock(mutex_);
  placement_.restore();
}

void Worker::sleep() {
  freePlace();
  std::lock_guard<Mutex> lock(mutex_);
  asleep_.store(true);
  while (task_.load() == kIdle) wake_.wait(mutex_);
  asleep_.store(false);
}

}  // namespace octavo
