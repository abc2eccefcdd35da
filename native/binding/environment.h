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

// A run that was handed to the pool. `finish` is called once, on the JavaScript thread.
struct Job {
  uint32_t id = 0;
  std::atomic<bool> cancelled{false};
  std::function<void(Job& job)> work;                   // on a driver thread
  std::function<void(Napi::Env env, Job& job)> finish;  // on the JavaScript thread
};

// Lives as long as the environment or a job of it, whichever is longer.
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  static std::shared_ptr<Environment> create(Napi::Env env);

  // Hands the job to the pool, from the JavaScript thread; false when no thread could be had.
  bool start(Napi::Env env, std::shared_ptr<Job> job);
  // Asks the job to stop at its next step. Unknown ids are jobs that have ended.
  void cancel(uint32_t id);

 private:
  Environment() = default;

  // The environment ends: every job is cancelled, and none outlives it.
  void close();
  void ended(const std::shared_ptr<Job>& job);
  void finish(napi_env env, Job& job);
  static void callJs(napi_env env, napi_value, void* context, void* data);

  napi_threadsafe_function toJs_ = nullptr;
  size_t unfinished_ = 0;  // jobs whose finish is still to come; seen by the JavaScript thread only

  Mutex mutex_;
  Condition allEnded_;
  std::map<uint32_t, std::shared_ptr<Job>> running_;
  bool closed_ = false;
};

}  // namespace octavo
