// What the addon keeps for one JavaScript environment (the main thread, or one worker): its runs in
// flight and the way back to its event loop. Nothing here is static, so that environments come and
// go without knowing each other; only the thread pool below is shared.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "native/threading/os.h"

namespace octavo {

// A run that was handed to the pool. `work` is called at most once, on a thread of the pool, and
// not if the job is cancelled before; `finish` once, on the JavaScript thread. Neither may throw.
struct Job {
  std::function<void(const std::atomic<bool>& cancelled)> work;
  std::function<void(Napi::Env env)> finish;

 private:
  friend class Environment;
  uint32_t id_ = 0;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> taken_{false};  // whoever sets it first is the one that ends the job
};

// Lives as long as the environment or a job of it, whichever is longer.
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  static std::shared_ptr<Environment> create(Napi::Env env);

  // Hands the job to the pool, from the JavaScript thread. Returns an id for cancel(), unlike those
  // of the other jobs in flight; 0 when no thread could be had.
  uint32_t start(Napi::Env env, const std::shared_ptr<Job>& job);
  // Tells the event loop, from the thread of a job, that it is about to end. Waking up an event
  // loop takes long where its CPU has halted, so it wakes up before, and waits for the end; not on
  // the job's own CPU, which it would take from it, nor where CPUs are not told apart.
  void announceEnd();
  // Asks the job to stop at its next step; one that has not begun ends here and now, whatever else
  // is queued in front of it. Unknown ids are jobs that have ended.
  void cancel(uint32_t id);

  // Whether no job is in flight, and no run held. On the JavaScript thread, as hold().
  bool isIdle() const { return unfinished_ == 0 && !held_; }
  // A run waits for the next turn of the event loop, to be done by this thread; or it is over.
  void hold(bool held) { held_ = held; }

 private:
  Environment() = default;

  // The environment ends: jobs that have begun are cancelled and waited for, the others dropped.
  void close();
  void ended(const std::shared_ptr<Job>& job);
  void awaitEnd() const;
  void finish(napi_env env, Job& job);
  static void callJs(napi_env env, napi_value, void* context, void* data);

  napi_threadsafe_function toJs_ = nullptr;
  size_t unfinished_ = 0;  // jobs whose finish is still to come; seen by the JavaScript thread only
  uint32_t finished_ = 0;  // of jobs, likewise
  bool held_ = false;

  std::atomic<uint32_t> ended_{0};  // jobs whose finish was sent to the JavaScript thread
  std::atomic<int> announcer_{-1};  // the CPU of the job that is about to end

  Mutex mutex_;
  Condition allEnded_;
  std::map<uint32_t, std::shared_ptr<Job>> jobs_;  // in flight
  uint32_t lastId_ = 0;
  bool closed_ = false;
};

}  // namespace octavo
