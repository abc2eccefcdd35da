// Operators: what the plan executor calls, one per step code. An operator is prepared once per
// plan: it checks types and dims (a plan is untrusted), packs its weights, chooses its kernels for
// the CPU at hand, and states the scratch memory it needs. Then it runs any number of times, on any
// arena, from several runs at once; so a PreparedStep is immutable after prepare().
//
// ops.h declares them, one for each line of steps.inc; plan/executor goes through them; kernels/ is
// below.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "native/cpu/isa.h"
#include "native/pack/store.h"
#include "native/plan/constants.h"
#include "native/plan/step.h"
#include "native/plan/tensor.h"
#include "native/status.h"
#include "native/threading/pool.h"

namespace octavo {

// What a run found wrong with its inputs. Any worker may raise it; the first time counts.
class Fault {
 public:
  void raise(const char* code, std::string what) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!raised()) status_ = Status::error(code, std::move(what));
    raised_.store(true, std::memory_order_release);
  }
  bool raised() const { return raised_.load(std::memory_order_acquire); }
  // Once no step runs any more.
  const Status& status() const { return status_; }

 private:
  std::mutex mutex_;
  std::atomic<bool> raised_{false};
  Status status_;
};

// Where the spaces of one run begin.
struct RunContext {
  uint8_t* arena;
  const uint8_t* model;
  const uint8_t* plan;
  Team& team;
  // team.size() areas of PreparedStep::scratchBytes() each, 64-byte aligned.
  uint8_t* scratch;
  size_t scratchStride;
  // Raised by a step whose inputs make no sense; the run ends after it.
  Fault& fault;

  template <typename T>
  const T* in(const TensorInfo& tensor) const {
    return reinterpret_cast<const T*>(base(tensor.space) + tensor.offset);
  }
  template <typename T>
  T* out(const TensorInfo& tensor) const {  // outputs are always in the arena
    return reinterpret_cast<T*>(arena + tensor.offset);
  }
  uint8_t* scratchOf(size_t worker) const { return scratch + worker * scratchStride; }

 private:
  const uint8_t* base(Space space) const {
    return space == Space::kArena ? arena : space == Space::kModel ? model : plan;
  }
};

class PreparedStep {
 public:
  virtual ~PreparedStep() = default;
  virtual void run(const RunContext& context) const = 0;
  // Scratch that each worker needs while this step runs.
  virtual size_t scratchBytes() const { return 0; }
};

// What prepare() sees. Inputs and outputs are null where absent; counts are checked by the
// operator.
struct StepView {
  StepCode code;
  size_t inputCount;
  size_t outputCount;
  const TensorInfo* const* inputs;
  const TensorInfo* const* outputs;
  const void* params;  // the step's own Params struct

  template <typename P>
  const P& as() const {
    return *static_cast<const P*>(params);
  }
};

// A kernel that the caller names in place of dispatch, for benchmarks and tests. The steps of its
// family use it or are refused; a plan in which nothing used it is refused.
struct ForcedKernel {
  const char* name;  // null: dispatch chooses all
  bool used = false;

  // The kernel, marked as used, where `find` (a family's) knows the name; else null.
  template <typename Kernel>
  const Kernel* in(const Kernel* (*find)(const char*)) {
    const Kernel* kernel = name == nullptr ? nullptr : find(name);
    used |= kernel != nullptr;
    return kernel;
  }
};

struct PrepareContext;

// A constant that a step packs, and does not read when it runs; none for a tensor of the arena.
template <typename T>
class Weight {
 public:
  Weight() = default;
  Weight(const PrepareContext& context, const TensorInfo& tensor)
      : context_(&context), tensor_(&tensor) {}

  explicit operator bool() const { return tensor_ != nullptr; }

  // The elements, until the step is prepared; they are neither aligned nor followed by readable
  // bytes. Those that are to be turned are so at every call: only who packs them asks.
  const T* data() const;

 private:
  const PrepareContext* context_ = nullptr;
  const TensorInfo* tensor_ = nullptr;
};

struct PrepareContext {
  Isa isa;
  ForcedKernel& forced;
  ConstantSource& model;
  const uint8_t* plan;  // constants of the plan
  // Packed weights, shared by all plans of the model.
  PackStore& packs;
  // Model constants of which the step keeps a packed form: where they begin.
  std::vector<size_t>& packed;

  // A constant; it lives as long as the plan. Null for a tensor of the arena.
  template <typename T>
  const T* constant(const TensorInfo& tensor) const {
    if (tensor.space == Space::kArena) return nullptr;
    return reinterpret_cast<const T*>(tensor.space == Space::kModel ? model.keep(tensor)
                                                                    : plan + tensor.offset);
  }

  template <typename T>
  Weight<T> weight(const TensorInfo& tensor) const {
    if (tensor.space == Space::kArena) return {};
    if (tensor.space == Space::kModel) packed.push_back(tensor.offset);
    return {*this, tensor};
  }
};

template <typename T>
const T* Weight<T>::data() const {
  if (tensor_->space != Space::kModel) return context_->constant<T>(*tensor_);
  return reinterpret_cast<const T*>(context_->model.peek(*tensor_));
}

// One per operator, named prepare<Step>: see ops.h.
using PrepareFn = Status (*)(const StepView& step, const PrepareContext& context,
                             std::unique_ptr<PreparedStep>* prepared);

}  // namespace octavo
