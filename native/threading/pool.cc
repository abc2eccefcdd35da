#include "native/threading/pool.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "native/threading/os.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace octavo {
namespace {

inline void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ volatile("yield");
#endif
}

// How often a worker looks for the next fork before it sleeps: tens of microseconds, the gap
// between two steps of a plan. Longer would steal time from the other runs.
constexpr int kSpins = 2000;

using Body = void (*)(void* context, size_t part, size_t worker);

struct Fork {
  Body body;
  void* context;
  size_t parts;
  std::atomic<size_t> next{0};

  void work(size_t worker) {
    for (;;) {
      const size_t part = next.fetch_add(1, std::memory_order_relaxed);
      if (part >= parts) return;
      body(context, part, worker);
    }
  }
};

// A thread that joins forks. The owner of the workers posts a fork to it; the worker takes it, or
// the owner takes it back when all parts are done before the worker has woken up.
class Worker {
 public:
  explicit Worker(size_t index) : index_(index) {}

  static void main(void* self) { static_cast<Worker*>(self)->loop(); }

  void post(Fork* fork) {
    fork_ = fork;
    state_.store(kPosted);
    if (asleep_.load()) {
      std::lock_guard<Mutex> lock(mutex_);
      wake_.notifyAll();
    }
  }

  // Returns when the worker is not in the fork, and will not enter it.
  void leave() {
    int posted = kPosted;
    if (state_.compare_exchange_strong(posted, kIdle)) return;
    // A worker that was taken off its CPU in the middle of a part may need this one's.
    for (int i = 0; state_.load(std::memory_order_acquire) != kIdle; i++) {
      i < kSpins ? relax() : yieldThread();
    }
  }

 private:
  enum State : int { kIdle, kPosted, kRunning };

  void loop() {
    for (;;) {
      await();
      int posted = kPosted;
      if (!state_.compare_exchange_strong(posted, kRunning)) continue;
      fork_->work(index_);
      state_.store(kIdle, std::memory_order_release);
    }
  }

  void await() {
    for (int i = 0; i < kSpins; i++) {
      if (state_.load(std::memory_order_relaxed) == kPosted) return;
      relax();
    }
    std::lock_guard<Mutex> lock(mutex_);
    // Sequentially consistent on both sides: either post() sees asleep_, or this loop sees kPosted.
    asleep_.store(true);
    while (state_.load() != kPosted) wake_.wait(mutex_);
    asleep_.store(false);
  }

  const size_t index_;
  std::atomic<int> state_{kIdle};
  std::atomic<bool> asleep_{false};
  Fork* fork_ = nullptr;
  Mutex mutex_;
  Condition wake_;
};

// All threads of the process. Never destroyed: its threads run until the process ends.
class Pool {
 public:
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  void fork(size_t threads, size_t parts, Body body, void* context) {
    Fork fork{body, context, parts};
    if (std::min(threads, parts) < 2 || !workersMutex_.try_lock()) {
      fork.work(0);
      return;
    }
    std::lock_guard<std::mutex> lock(workersMutex_, std::adopt_lock);
    const size_t helpers = growTo(std::min(threads, parts) - 1);
    for (size_t i = 0; i < helpers; i++) workers_[i]->post(&fork);
    fork.work(0);
    for (size_t i = 0; i < helpers; i++) workers_[i]->leave();
  }

  bool enqueue(std::function<void()> job) {
    std::lock_guard<Mutex> lock(jobsMutex_);
    if (idleDrivers_ <= jobs_.size() && drivers_ < mostDrivers_) {
      if (startThread(&Pool::drive, this)) drivers_++;
    }
    if (drivers_ == 0) return false;
    jobs_.push_back(std::move(job));
    jobAdded_.notifyAll();
    return true;
  }

 private:
  // Number of workers, at most `count`: fewer when the system gives no more threads.
  size_t growTo(size_t count) {
    while (workers_.size() < count) {
      auto worker = std::make_unique<Worker>(workers_.size() + 1);
      if (!startThread(&Worker::main, worker.get())) break;
      workers_.push_back(std::move(worker));
    }
    return std::min(count, workers_.size());
  }

  static void drive(void* self) { static_cast<Pool*>(self)->driveLoop(); }

  void driveLoop() {
    for (;;) {
      std::function<void()> job;
      {
        std::lock_guard<Mutex> lock(jobsMutex_);
        idleDrivers_++;
        while (jobs_.empty()) jobAdded_.wait(jobsMutex_);
        idleDrivers_--;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }

  std::mutex workersMutex_;
  std::vector<std::unique_ptr<Worker>> workers_;

  Mutex jobsMutex_;
  Condition jobAdded_;
  std::deque<std::function<void()>> jobs_;
  const size_t mostDrivers_ = usableCpus();
  size_t drivers_ = 0;
  size_t idleDrivers_ = 0;
};

class PoolTeam : public Team {
 public:
  explicit PoolTeam(size_t threads) : threads_(threads) {}

  void run(size_t parts, Body body, void* context) override {
    Pool::instance().fork(threads_, parts, body, context);
  }

  size_t size() const override { return threads_; }

 private:
  const size_t threads_;
};

}  // namespace

std::unique_ptr<Team> makeTeam(size_t threads) {
  return std::make_unique<PoolTeam>(std::clamp<size_t>(threads, 1, kMaxThreads));
}

bool enqueue(std::function<void()> job) { return Pool::instance().enqueue(std::move(job)); }

}  // namespace octavo
