// The JavaScript class over plans. Handles are cheap: what they hold is shared with the runs in
// flight and freed by dispose() or the garbage collector, whichever comes first.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "native/binding/buffers.h"
#include "native/binding/environment.h"
#include "native/binding/foresight.h"
#include "native/plan/executor.h"

namespace octavo {

// Data of one instance of the addon.
struct Instance {
  std::shared_ptr<Environment> environment;
  Napi::FunctionReference planClass;
  BufferMakers buffers;
};

// The plan and the memory of its runs. A finished run's memory serves the next one.
struct PlanState {
  std::unique_ptr<ExecutablePlan> plan;
  std::mutex mutex;
  std::vector<std::unique_ptr<RunMemory>> idle;
  bool disposed = false;
  // What a run takes, as far as is known; more than any before the first one.
  std::atomic<int64_t> nanoseconds{INT64_MAX / 2};

  Foresight foresight;

  // Runs the plan and takes the time. `announce` is called when the run is about to end, as far as
  // that can be told.
  Status run(RunMemory& memory, const std::atomic<bool>& cancelled,
             const std::function<void()>& announce = nullptr);
  std::unique_ptr<RunMemory> acquire();
  void release(std::unique_ptr<RunMemory> memory);
};

class NativePlan : public Napi::ObjectWrap<NativePlan> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NativePlan(const Napi::CallbackInfo& info);
  ~NativePlan() override;

 private:
  // run(inputs: TypedArray[]): { id: number, outputs: Promise<ArrayBuffer[]> }; the inputs are
  // copied at once.
  Napi::Value run(const Napi::CallbackInfo& info);
  // profile(inputs: TypedArray[], repeats: number): the same, of so many runs one after the other,
  // with one ArrayBuffer in place of the outputs: the nanoseconds of every step of every run.
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value start(const Napi::CallbackInfo& info, uint32_t repeats,
                    std::shared_ptr<std::vector<double>> times);
  // hold(inputs: TypedArray[]): boolean: whether the next run is likely to be over sooner than
  // another thread would have taken it, and no other is in flight. Then the inputs are copied, and
  // runHeld(): ArrayBuffer[] or dropHeld() has to follow, before anything else is held.
  Napi::Value hold(const Napi::CallbackInfo& info);
  Napi::Value runHeld(const Napi::CallbackInfo& info);
  void dropHeld(const Napi::CallbackInfo& info);
  // cancel(id: number): the promise of that run rejects with ABORTED, unless it is over.
  void cancel(const Napi::CallbackInfo& info);
  Napi::Value runSync(const Napi::CallbackInfo& info);
  // measure(inputs: TypedArray[], repeats: number): number: nanoseconds of so many runs on this
  // thread. The inputs are copied once: where steps reuse the memory of an input, later runs read
  // what those wrote.
  Napi::Value measure(const Napi::CallbackInfo& info);
  Napi::Value memoryBytes(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  void release(Napi::Env env);

  std::unique_ptr<RunMemory> copyInputs(Napi::Env env, const Napi::Value& inputs);

  // A run whose inputs are copied; it outlives dispose().
  struct Held {
    std::shared_ptr<PlanState> state;
    std::unique_ptr<RunMemory> memory;
  };
  Held takeHeld(Napi::Env env);
  static Napi::Value runNow(Napi::Env env, Held run);

  std::shared_ptr<PlanState> state_;
  Held held_;
  int64_t accounted_ = 0;
};

}  // namespace octavo
