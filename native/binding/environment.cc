#include "native/binding/environment.h"

#include <iterator>

#include "native/threading/placement.h"
#include "native/threading/pool.h"

namespace octavo {
namespace {

// Nanoseconds that the event loop waits at most for a job that is about to end, and looks at the
// job between two looks at the clock.
constexpr uint64_t kLongestWait = 250'000;
constexpr int kLooks = 16;

}  // namespace

std::shared_ptr<Environment> Environment::create(Napi::Env env) {
  std::shared_ptr<Environment> made(new Environment);
  const Napi::String name = Napi::String::New(env, "octavo");
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                      made.get(), &Environment::callJs, &made->toJs_);
  if (status != napi_ok) throw Napi::Error::New(env, "cannot reach the event loop");
  napi_unref_threadsafe_function(env, made->toJs_);
  env.AddCleanupHook([made] { made->close(); });
  return made;
}

uint32_t Environment::start(Napi::Env env, const std::shared_ptr<Job>& job) {
  {
    std::lock_guard<Mutex> lock(mutex_);
    if (closed_) return 0;
    do {
      job->id_ = ++lastId_;
    } while (job->id_ == 0 || !jobs_.emplace(job->id_, job).second);
  }
  const bool queued = enqueue([self = shared_from_this(), job] {
    if (job->taken_.exchange(true)) return;
    job->work(job->cancelled_);
    self->ended(job);
  });
  if (!queued) {
    std::lock_guard<Mutex> lock(mutex_);
    jobs_.erase(job->id_);
    return 0;
  }
  // Jobs in flight keep the process alive, the addon alone does not.
  if (unfinished_++ == 0) napi_ref_threadsafe_function(env, toJs_);
  return job->id_;
}

void Environment::cancel(uint32_t id) {
  std::shared_ptr<Job> job;
  {
    std::lock_guard<Mutex> lock(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    job = found->second;
  }
  job->cancelled_ = true;
  if (!job->taken_.exchange(true)) ended(job);
}

void Environment::announceEnd() {
  announcer_.store(currentCpu(), std::memory_order_relaxed);
  std::lock_guard<Mutex> lock(mutex_);
  if (!closed_) napi_call_threadsafe_function(toJs_, nullptr, napi_tsfn_nonblocking);
}

void Environment::awaitEnd() const {
  if (currentCpu() == announcer_.load(std::memory_order_relaxed)) return;
  const auto isPending = [this] { return unfinished_ > 0 && ended_.load() == finished_; };
  for (const uint64_t end = nanoseconds() + kLongestWait; isPending() && nanoseconds() < end;) {
    for (int i = 0; i < kLooks && isPending(); i++) relax();
  }
}

void Environment::ended(const std::shared_ptr<Job>& job) {
  {
    std::lock_guard<Mutex> lock(mutex_);
    // Called under the lock, so that close() cannot release the function in between.
    if (!closed_) {
      auto* handed = new std::shared_ptr<Job>(job);
      if (napi_call_threadsafe_function(toJs_, handed, napi_tsfn_nonblocking) != napi_ok) {
        delete handed;
      }
    }
    jobs_.erase(job->id_);
    if (jobs_.empty()) allEnded_.notifyAll();
  }
  // Who waits for it finds the job handed over, and the lock free.
  ended_++;
}

void Environment::callJs(napi_env env, napi_value, void* context, void* data) {
  auto* const self = static_cast<Environment*>(context);
  if (data == nullptr) {
    if (env != nullptr) self->awaitEnd();
    return;
  }
  const std::unique_ptr<std::shared_ptr<Job>> job(static_cast<std::shared_ptr<Job>*>(data));
  // Without an env the environment is going down, and nobody waits for the promise.
  if (env != nullptr) self->finish(env, **job);
}

void Environment::finish(napi_env env, Job& job) {
  finished_++;
  if (--unfinished_ == 0) napi_unref_threadsafe_function(env, toJs_);
  const Napi::HandleScope scope(env);
  try {
    job.finish(env);
  } catch (const Napi::Error&) {
    // Only an environment that is being terminated fails here, and its promises with it.
  }
}

void Environment::close() {
  std::lock_guard<Mutex> lock(mutex_);
  closed_ = true;
  for (auto at = jobs_.begin(); at != jobs_.end();) {
    Job& job = *at->second;
    job.cancelled_ = true;
    at = job.taken_.exchange(true) ? std::next(at) : jobs_.erase(at);
  }
  while (!jobs_.empty()) allEnded_.wait(mutex_);
  napi_release_threadsafe_function(toJs_, napi_tsfn_abort);
}

}  // namespace octavo
