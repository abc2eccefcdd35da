#include "native/binding/plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/binding/constants.h"
#include "native/binding/errors.h"
#include "native/threading/pool.h"

namespace octavo {
namespace {

// Memory of finished runs that a plan keeps for the next ones.
constexpr size_t kIdleMemories = 4;

// Nanoseconds of a run that its own thread may do at once: waking up another one, and the event
// loop again, takes a good part of that, and timers are twice as coarse.
constexpr int64_t kShort = 500'000;

// Numbers as one array of float64.
Napi::Array copyTimes(Napi::Env env, const std::vector<double>& times) {
  const size_t bytes = times.size() * sizeof(double);
  Napi::ArrayBuffer buffer = newArrayBuffer(env, bytes);
  if (bytes > 0) std::memcpy(buffer.Data(), times.data(), bytes);
  Napi::Array arrays = Napi::Array::New(env, 1);
  arrays.Set(0u, buffer);
  return arrays;
}

// All inputs of a run, one behind the other.
std::vector<uint8_t> readInputs(const ExecutablePlan& plan, RunMemory& memory) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < plan.inputCount(); i++) {
    const TensorInfo& tensor = plan.input(i);
    const uint8_t* place = plan.place(memory, tensor);
    bytes.insert(bytes.end(), place, place + tensor.bytes);
  }
  return bytes;
}

// Puts back what steps may have written over.
void writeInputs(const ExecutablePlan& plan, RunMemory& memory, const std::vector<uint8_t>& bytes) {
  const uint8_t* from = bytes.data();
  for (size_t i = 0; i < plan.inputCount(); i++) {
    const TensorInfo& tensor = plan.input(i);
    if (tensor.bytes > 0) std::memcpy(plan.place(memory, tensor), from, tensor.bytes);
    from += tensor.bytes;
  }
}

}  // namespace

// ---- PlanState --------------------------------------------------------------

Status PlanState::run(RunMemory& memory, const std::atomic<bool>& cancelled,
                      const std::function<void()>& announce) {
  std::vector<double> times(announce != nullptr && foresight.wantsTimes() ? plan->stepCount() : 0);
  const Notice notice{foresight.place(), announce};
  const auto start = std::chrono::steady_clock::now();
  Status status = plan->run(memory, cancelled, times.empty() ? nullptr : times.data(),
                            announce == nullptr ? nullptr : &notice);
  if (!times.empty() && status.ok()) foresight.learn(times);
  const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - start;
  // Slower to believe that runs have become longer: one may have been interrupted.
  const int64_t known = nanoseconds.load(std::memory_order_relaxed);
  nanoseconds.store(std::min<int64_t>(time.count(), known + known / 4), std::memory_order_relaxed);
  return status;
}

std::unique_ptr<RunMemory> PlanState::acquire() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!idle.empty()) {
      std::unique_ptr<RunMemory> memory = std::move(idle.back());
      idle.pop_back();
      return memory;
    }
  }
  auto memory = std::make_unique<RunMemory>();
  memory->buffer = AlignedBuffer(plan->memoryBytes());
  return memory;
}

void PlanState::release(std::unique_ptr<RunMemory> memory) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!disposed && idle.size() < kIdleMemories) idle.push_back(std::move(memory));
}

// ---- NativePlan -------------------------------------------------------------

Napi::Function NativePlan::define(Napi::Env env) {
  return DefineClass(
      env, "NativePlan",
      {InstanceMethod<&NativePlan::run>("run"), InstanceMethod<&NativePlan::cancel>("cancel"),
       InstanceMethod<&NativePlan::hold>("hold"), InstanceMethod<&NativePlan::runHeld>("runHeld"),
       InstanceMethod<&NativePlan::dropHeld>("dropHeld"),
       InstanceMethod<&NativePlan::runSync>("runSync"),
       InstanceMethod<&NativePlan::profile>("profile"),
       InstanceMethod<&NativePlan::measure>("measure"),
       InstanceMethod<&NativePlan::memoryBytes>("memoryBytes"),
       InstanceMethod<&NativePlan::dispose>("dispose")});
}

NativePlan::NativePlan(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativePlan>(info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsExternal()) throw makeError(env, "INTERNAL", "plans are made by prepare()");
  state_ = *info[0].As<Napi::External<std::shared_ptr<PlanState>>>().Data();
  accounted_ = static_cast<int64_t>(state_->plan->memoryBytes() + state_->plan->constantBytes());
  Napi::MemoryManagement::AdjustExternalMemory(env, accounted_);
}

NativePlan::~NativePlan() { release(Env()); }

void NativePlan::release(Napi::Env env) {
  if (state_ != nullptr) {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->disposed = true;
    state_->idle.clear();
  }
  state_ = nullptr;
  Napi::MemoryManagement::AdjustExternalMemory(env, -accounted_);
  accounted_ = 0;
}

std::unique_ptr<RunMemory> NativePlan::copyInputs(Napi::Env env, const Napi::Value& inputs) {
  if (state_ == nullptr) throw makeError(env, "DISPOSED", "the plan has been disposed");
  const ExecutablePlan& plan = *state_->plan;
  const Napi::Array arrays = inputs.As<Napi::Array>();
  if (!inputs.IsArray() || arrays.Length() != plan.inputCount()) {
    throw makeError(env, "INTERNAL", "one array per plan input is needed");
  }
  std::unique_ptr<RunMemory> memory = orOutOfMemory(env, [&] { return state_->acquire(); });
  for (size_t i = 0; i < plan.inputCount(); i++) {
    const TensorInfo& tensor = plan.input(i);
    const Bytes bytes = bytesOf(env, arrays.Get(static_cast<uint32_t>(i)));
    if (bytes.size != tensor.bytes) {
      throw makeError(env, "INVALID_INPUT",
                      "input " + std::to_string(i) + " has " + std::to_string(bytes.size) +
                          " bytes instead of " + std::to_string(tensor.bytes) +
                          " (was its buffer detached?)");
    }
    if (bytes.size > 0) std::memcpy(plan.place(*memory, tensor), bytes.data, bytes.size);
  }
  return memory;
}

Napi::Value NativePlan::run(const Napi::CallbackInfo& info) { return start(info, 1, nullptr); }

Napi::Value NativePlan::profile(const Napi::CallbackInfo& info) {
  const uint32_t repeats = info[1].ToNumber().Uint32Value();
  auto times = std::make_shared<std::vector<double>>();
  if (state_ != nullptr) {
    orOutOfMemory(info.Env(), [&] { times->resize(repeats * state_->plan->stepCount()); });
  }
  return start(info, repeats, std::move(times));
}

Napi::Value NativePlan::start(const Napi::CallbackInfo& info, uint32_t repeats,
                              std::shared_ptr<std::vector<double>> times) {
  const Napi::Env env = info.Env();
  // What the run holds on to: the handle may be disposed or collected meanwhile.
  struct Run {
    std::shared_ptr<PlanState> state;
    std::unique_ptr<RunMemory> memory;
    Napi::Promise::Deferred deferred;
    std::shared_ptr<std::vector<double>> times;
    std::optional<RunOutputs> outputs = std::nullopt;  // without times
    Status status = Status::error("ABORTED", "aborted");
    bool outOfMemory = false;
  };
  auto run = std::make_shared<Run>(
      Run{state_, copyInputs(env, info[0]), Napi::Promise::Deferred::New(env), std::move(times)});
  if (run->times == nullptr) run->outputs.emplace(env, *state_->plan);
  Environment& environment = *env.GetInstanceData<Instance>()->environment;  // outlives its jobs
  const auto announce = [&environment, threads = state_->plan->threads()] {
    if (hasSpareCpu(threads)) environment.announceEnd();
  };
  auto job = std::make_shared<Job>();
  job->work = [run, repeats, announce](const std::atomic<bool>& cancelled) {
    const ExecutablePlan& plan = *run->state->plan;
    double* const times = run->times == nullptr ? nullptr : run->times->data();
    try {
      run->status = {};
      if (times == nullptr) {
        const PagesAhead ahead(run->outputs->memories(), plan.threads());
        run->status = run->state->run(*run->memory, cancelled, announce);
      } else {
        const std::vector<uint8_t> inputs = readInputs(plan, *run->memory);
        for (uint32_t i = 0; i < repeats && run->status.ok(); i++) {
          if (i > 0) writeInputs(plan, *run->memory, inputs);
          run->status = plan.run(*run->memory, cancelled, times + i * plan.stepCount());
        }
      }
      if (run->status.ok() && run->outputs) run->outputs->fill(plan, *run->memory);
    } catch (const std::bad_alloc&) {
      run->outOfMemory = true;
    }
  };
  job->finish = [run](Napi::Env where) {
    try {
      const Napi::Value outputs = run->outputs ? run->outputs->take(where) : Napi::Value();
      if (run->outOfMemory) throw outOfMemory(where);
      throwIfFailed(where, run->status);
      run->deferred.Resolve(run->outputs ? outputs : copyTimes(where, *run->times));
    } catch (const Napi::Error& error) {
      run->deferred.Reject(error.Value());
    }
    run->state->release(std::move(run->memory));
  };
  const uint32_t id = environment.start(env, job);
  if (id == 0) {
    if (run->outputs) run->outputs->take(env);
    throw makeError(env, "BACKEND_FAILURE", "the system has no thread for this run");
  }
  Napi::Object running = Napi::Object::New(env);
  running.Set("id", id);
  running.Set("outputs", run->deferred.Promise());
  return running;
}

void NativePlan::cancel(const Napi::CallbackInfo& info) {
  info.Env().GetInstanceData<Instance>()->environment->cancel(info[0].ToNumber().Uint32Value());
}

Napi::Value NativePlan::runSync(const Napi::CallbackInfo& info) {
  std::unique_ptr<RunMemory> memory = copyInputs(info.Env(), info[0]);
  return runNow(info.Env(), {state_, std::move(memory)});
}

Napi::Value NativePlan::runNow(Napi::Env env, Held run) {
  const std::atomic<bool> never{false};
  throwIfFailed(env, orOutOfMemory(env, [&] { return run.state->run(*run.memory, never); }));
  RunOutputs outputs(env, *run.state->plan);
  outputs.fill(*run.state->plan, *run.memory);
  run.state->release(std::move(run.memory));
  return outputs.take(env);
}

Napi::Value NativePlan::hold(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Environment& environment = *env.GetInstanceData<Instance>()->environment;
  if (state_ != nullptr &&
      (state_->nanoseconds.load(std::memory_order_relaxed) > kShort || !environment.isIdle())) {
    return Napi::Boolean::New(env, false);
  }
  held_ = {state_, copyInputs(env, info[0])};
  environment.hold(true);
  return Napi::Boolean::New(env, true);
}

NativePlan::Held NativePlan::takeHeld(Napi::Env env) {
  if (held_.memory == nullptr) throw makeError(env, "INTERNAL", "no run is held");
  env.GetInstanceData<Instance>()->environment->hold(false);
  return std::exchange(held_, {});
}

Napi::Value NativePlan::runHeld(const Napi::CallbackInfo& info) {
  return runNow(info.Env(), takeHeld(info.Env()));
}

void NativePlan::dropHeld(const Napi::CallbackInfo& info) {
  Held run = takeHeld(info.Env());
  run.state->release(std::move(run.memory));
}

Napi::Value NativePlan::measure(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::unique_ptr<RunMemory> memory = copyInputs(env, info[0]);
  const uint32_t repeats = info[1].ToNumber().Uint32Value();
  const std::atomic<bool> never{false};
  const auto start = std::chrono::steady_clock::now();
  throwIfFailed(env, orOutOfMemory(env, [&] {
                  Status status;
                  for (uint32_t i = 0; i < repeats && status.ok(); i++) {
                    status = state_->plan->run(*memory, never);
                  }
                  return status;
                }));
  const auto time = std::chrono::steady_clock::now() - start;
  state_->release(std::move(memory));
  return Napi::Number::New(env, std::chrono::duration<double, std::nano>(time).count());
}

Napi::Value NativePlan::memoryBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(
      info.Env(), state_ == nullptr ? 0 : static_cast<double>(state_->plan->memoryBytes()));
}

void NativePlan::dispose(const Napi::CallbackInfo& info) { release(info.Env()); }

}  // namespace octavo
