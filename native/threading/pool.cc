#include "native/threading/pool.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <new>
#include <utility>

#include "native/threading/fork.h"
#include "native/threading/os.h"
#include "native/threading/worker.h"

namespace octavo {
namespace {

// How long a caller looks whether its helpers have ended before it lets them have its CPU.
constexpr int kSpins = 200;

// All threads of the process. Never destroyed: its threads run until the process ends.
class Pool final : public Worker::Queue {
 public:
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  bool enqueue(std::function<void()> job) {
    {
      std::lock_guard<Mutex> lock(mutex_);
      jobs_.push_back(std::move(job));
      waiting_.store(jobs_.size());
      if (!hasIdle() && count_.load() < mostJobs_) addWorker();
      if (count_.load() == 0) {
        jobs_.pop_back();
        waiting_.store(jobs_.size());
        return false;
      }
    }
    sendOne();
    return true;
  }

  bool hasJobs() const override {
    return waiting_.load() > 0 && running_.load(std::memory_order_relaxed) < mostJobs_;
  }

  void runJobs() override {
    while (waiting_.load(std::memory_order_relaxed) > 0) {
      std::function<void()> job;
      {
        std::lock_guard<Mutex> lock(mutex_);
        if (jobs_.empty() || running_ >= mostJobs_) return;
        running_++;
        job = std::move(jobs_.front());
        jobs_.pop_front();
        waiting_.store(jobs_.size());
      }
      job();
      job = nullptr;
      running_--;
    }
  }

  // An idle worker that has taken the seat; null when there is none.
  Worker* seat(Seat* seat, int cpu) {
    return findIdle(cpu, [&](Worker& worker) { return worker.offer(seat, cpu); });
  }

  // A worker is idle again that was not when a job came.
  void becameIdle() {
    if (hasJobs()) sendOne();
  }

  // Sees to it that there are this many workers, as far as the system gives threads.
  void growTo(size_t count) {
    if (count_.load(std::memory_order_relaxed) >= count) return;
    std::lock_guard<Mutex> lock(mutex_);
    while (count_.load() < std::min(count, kMaxThreads) && addWorker()) {
    }
  }

  // CPUs that each of the runs in flight may count on.
  size_t share(size_t threads) const {
    return std::max<size_t>(threads, mostJobs_) / std::max<size_t>(teams_.load(), 1);
  }
  bool hasSpareCpu(size_t threads) const { return teams_.load() <= 1 && threads < mostJobs_; }
  void join() { teams_++; }
  void leave() { teams_--; }

 private:
  bool hasIdle() const {
    for (size_t i = 0; i < count_.load(); i++) {
      if (workers_[i]->isIdle()) return true;
    }
    return false;
  }

  bool addWorker() {
    const size_t count = count_.load();
    auto* worker = new (std::nothrow) Worker(*this, mostJobs_ > 1);
    if (worker == nullptr) return false;
    workers_[count] = worker;
    if (!worker->start()) {
      delete worker;
      return false;
    }
    count_.store(count + 1);
    return true;
  }

  void sendOne() {
    findIdle(currentCpu(), [](Worker& worker) { return worker.sendToQueue(); });
  }

  template <typename Take>
  Worker* findIdle(int cpu, Take&& take) {
    const size_t count = count_.load();
    for (int wanted = 0; wanted < Worker::kReadinesses; wanted++) {
      for (size_t i = 0; i < count; i++) {
        Worker& worker = *workers_[i];
        if (worker.isIdle() && worker.readiness(cpu) == wanted && take(worker)) return &worker;
      }
    }
    return nullptr;
  }

  const size_t mostJobs_ = usableCpus();
  Worker* workers_[kMaxThreads];
  std::atomic<size_t> count_{0};    // of workers; grows under the mutex
  std::atomic<size_t> running_{0};  // jobs
  std::atomic<size_t> waiting_{0};  // jobs
  std::atomic<size_t> teams_{0};
  Mutex mutex_;
  std::deque<std::function<void()>> jobs_;
};

class PoolTeam final : public Team {
 public:
  explicit PoolTeam(size_t threads)
      : threads_(threads), seats_(new Seat[threads]), helpers_(new Worker* [threads] {}) {
    pool_.join();
  }
  ~PoolTeam() override { pool_.leave(); }

  void run(size_t parts, Body body, void* context) override {
    const size_t wanted = std::min({threads_, parts, pool_.share(threads_)});
    if (wanted < 2) {
      for (size_t part = 0; part < parts; part++) body(context, part, 0);
      return;
    }
    pool_.growTo(threads_);  // the caller may be one of them
    Fork fork{body, context, seats_.get(), wanted, {wanted - 1}};
    fork.deal(parts);
    const int cpu = currentCpu();
    for (size_t i = 1; i < wanted; i++) {
      if (!fill(i, cpu)) fork.helpers--;
    }
    fork.work(0);
    for (size_t i = 1; i < wanted; i++) vacate(fork, i);
    for (int i = 0; fork.helpers.load(std::memory_order_acquire) > 0; i++) {
      // A worker that was taken off its CPU in the middle of a part may need this one's.
      i < kSpins ? relax() : yieldThread();
    }
  }

  size_t size() const override { return threads_; }

 private:
  // Whether a worker has taken the seat, rather the one that was in it before.
  bool fill(size_t seat, int cpu) {
    Worker*& helper = helpers_[seat];
    if (helper != nullptr && helper->isIdle() && helper->offer(&seats_[seat], cpu)) return true;
    helper = pool_.seat(&seats_[seat], cpu);
    return helper != nullptr;
  }

  void vacate(Fork& fork, size_t seat) {
    if (helpers_[seat] == nullptr || !helpers_[seat]->takeBack(&seats_[seat])) return;
    fork.helpers--;
    pool_.becameIdle();
  }

  Pool& pool_ = Pool::instance();
  const size_t threads_;
  const std::unique_ptr<Seat[]> seats_;
  const std::unique_ptr<Worker*[]> helpers_;
};

}  // namespace

std::unique_ptr<Team> makeTeam(size_t threads) {
  return std::make_unique<PoolTeam>(std::clamp<size_t>(threads, 1, kMaxThreads));
}

bool hasSpareCpu(size_t threads) { return Pool::instance().hasSpareCpu(threads); }

bool enqueue(std::function<void()> job) { return Pool::instance().enqueue(std::move(job)); }

}  // namespace octavo
