#include "native/plan/executor.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "native/ops/ops.h"
#include "native/plan/step.h"
#include "native/round.h"
#include "native/threading/pool.h"

namespace octavo {
namespace {

constexpr int32_t kMagic = 0x4f435456;  // planMagic and planVersion of src/runtime/encode.ts
constexpr int32_t kVersion = 1;

// No size in a plan is above this, so that what operators add to sizes and multiply them by fits.
constexpr uint64_t kMostBytes = uint64_t{1} << (sizeof(size_t) > 4 ? 44 : 30);

struct StepKind {
  const char* name;
  size_t paramWords;
  PrepareFn prepare;
};

// Empty parameter structs have a size of 1 in C++, and no words.
template <typename Params>
constexpr size_t wordsOf() {
  return std::is_empty<Params>::value ? 0 : sizeof(Params) / sizeof(int32_t);
}

const StepKind kStepKinds[] = {
#define OCTAVO_STEP(name, fields) {#name, wordsOf<name##Params>(), prepare##name},
#include "native/plan/steps.inc"
#undef OCTAVO_STEP
};

constexpr int kTypeBits[] = {32, 64, 16, 16, 8, 8, 16, 16, 32, 32, 64, 64, 8, 4, 4, 2, 2, 1};
static_assert(sizeof kTypeBits / sizeof *kTypeBits == static_cast<size_t>(DataType::kCount),
              "a width for every type");

bool overlap(const TensorInfo* a, const TensorInfo* b) {
  return a != nullptr && b != nullptr && a->space == b->space && a->offset < b->offset + b->bytes &&
         b->offset < a->offset + a->bytes;
}

Status malformed(const std::string& what) {
  return Status::error("INTERNAL", "malformed plan: " + what);
}

}  // namespace

class PlanDecoder {
 public:
  PlanDecoder(ExecutablePlan& plan, const std::vector<ConstantPart>& parts, const int32_t* words,
              size_t count)
      : plan_(plan), parts_(parts), words_(words), count_(count) {}

  Status decode() {
    int32_t tensors = 0, steps = 0, inputs = 0, outputs = 0;
    if (next() != kMagic || next() != kVersion) return malformed("another format");
    tensors = next(), steps = next(), inputs = next(), outputs = next();
    plan_.arenaBytes_ = nextSize();
    if (!ok_ || tensors < 0 || steps < 0 || inputs < 0 || outputs < 0) return malformed("header");
    if (plan_.arenaBytes_ < kTensorSlack) return malformed("arena without slack");
    for (int32_t i = 0; i < tensors && ok_; i++) OCTAVO_RETURN_IF_ERROR(decodeTensor());
    OCTAVO_RETURN_IF_ERROR(decodePorts(inputs, plan_.inputs_));
    OCTAVO_RETURN_IF_ERROR(decodePorts(outputs, plan_.outputs_));
    for (int32_t i = 0; i < steps && ok_; i++) OCTAVO_RETURN_IF_ERROR(decodeStep());
    if (!ok_ || at_ != count_) return malformed("length");
    return {};
  }

  // Prepares what was decoded, on the threads of the plan. Throws std::bad_alloc.
  Status prepare() {
    const std::unique_ptr<Team> team = makeTeam(plan_.threads_);
    std::vector<ConstantSource> sources;
    for (size_t worker = 0; worker < team->size(); worker++) sources.push_back(source());
    std::vector<Status> statuses(steps_.size());
    std::atomic<bool> outOfMemory{false}, isForced{false};
    plan_.steps_.resize(steps_.size());
    team->forEach(steps_.size(), [&](size_t i, size_t worker) {
      try {
        ForcedKernel forced{forcedKernel()};
        statuses[i] = prepareStep(i, sources[worker], forced);
        if (forced.used) isForced = true;
      } catch (const std::bad_alloc&) {
        outOfMemory = true;
      }
    });
    if (outOfMemory) throw std::bad_alloc();
    for (const Status& status : statuses) OCTAVO_RETURN_IF_ERROR(status);
    if (forcedKernel() != nullptr && !isForced) {
      return Status::error("INVALID_ARGUMENT",
                           "no step of the plan has a use for the kernel " + plan_.model_->kernel);
    }
    for (const auto& step : plan_.steps_) {
      plan_.scratchStride_ = std::max(plan_.scratchStride_, step->scratchBytes());
    }
    return {};
  }

 private:
  struct Step {
    int32_t code;
    std::vector<const TensorInfo*> inputs, outputs;
    const int32_t* params;
  };

  ConstantSource source() const {
    return ConstantSource(plan_.model_->constants, parts_, plan_.model_->isa);
  }

  const char* forcedKernel() const {
    return plan_.model_->kernel.empty() ? nullptr : plan_.model_->kernel.c_str();
  }

  int32_t next() {
    if (at_ >= count_) {
      ok_ = false;
      return 0;
    }
    return words_[at_++];
  }

  size_t nextSize() {
    const uint64_t low = static_cast<uint32_t>(next());
    const uint64_t high = static_cast<uint32_t>(next());
    const uint64_t size = high << 32 | low;
    if (size > kMostBytes) ok_ = false;
    return ok_ ? static_cast<size_t>(size) : 0;
  }

  Status decodeTensor() {
    TensorInfo tensor{};
    const int32_t type = next();
    const int32_t space = next();
    tensor.offset = nextSize();
    tensor.bytes = nextSize();
    tensor.rank = next();
    if (type < 0 || type >= static_cast<int32_t>(DataType::kCount)) return malformed("type");
    if (space < 0 || space >= static_cast<int32_t>(Space::kCount)) return malformed("space");
    if (tensor.rank < 0 || tensor.rank > kMaxRank) return malformed("rank");
    tensor.type = static_cast<DataType>(type);
    tensor.space = static_cast<Space>(space);
    tensor.count = 1;
    for (int axis = 0; axis < kMaxRank; axis++) {
      const int32_t dim = next();
      tensor.dims[axis] = dim;
      if (axis >= tensor.rank) continue;
      if (dim < 0) return malformed("dimension");
      if (dim > 0 && tensor.count > std::numeric_limits<int64_t>::max() / 64 / dim) {
        return malformed("dimensions");
      }
      tensor.count *= dim;
    }
    const int64_t bits = tensor.count * kTypeBits[type];
    if (static_cast<size_t>((bits + 7) / 8) != tensor.bytes) return malformed("tensor size");
    const size_t available = spaceBytes(tensor.space);
    if (tensor.offset % kTensorAlignment != 0 || tensor.offset > available ||
        tensor.bytes > available - tensor.offset ||
        available - tensor.offset - tensor.bytes < kTensorSlack) {
      return malformed("tensor outside its space");
    }
    if (tensor.space == Space::kModel && !source().has(tensor)) {
      return malformed("constant without data");
    }
    plan_.tensors_.push_back(tensor);
    return {};
  }

  size_t spaceBytes(Space space) const {
    switch (space) {
      case Space::kArena:
        return plan_.arenaBytes_;
      case Space::kModel:
        return plan_.model_->constants.bytes();
      default:
        return plan_.constants_.bytes();
    }
  }

  Status decodePorts(int32_t count, std::vector<size_t>& ports) {
    for (int32_t i = 0; i < count && ok_; i++) {
      const int32_t tensor = next();
      if (tensor < 0 || static_cast<size_t>(tensor) >= plan_.tensors_.size()) {
        return malformed("port");
      }
      if (plan_.tensors_[tensor].space != Space::kArena) return malformed("port of a constant");
      ports.push_back(static_cast<size_t>(tensor));
    }
    return {};
  }

  Status decodeStep() {
    Step step;
    step.code = next();
    const int32_t inputCount = next();
    const int32_t outputCount = next();
    const int32_t paramWords = next();
    if (step.code < 0 || step.code >= static_cast<int32_t>(StepCode::kCount)) {
      return malformed("step code");
    }
    const auto remaining = static_cast<int64_t>(count_ - at_);
    if (inputCount < 0 || outputCount < 0 ||
        paramWords != static_cast<int64_t>(kStepKinds[step.code].paramWords) ||
        static_cast<int64_t>(inputCount) + outputCount + paramWords > remaining) {
      return malformed("step");
    }
    OCTAVO_RETURN_IF_ERROR(decodeTensors(inputCount, step.inputs));
    OCTAVO_RETURN_IF_ERROR(decodeTensors(outputCount, step.outputs));
    const auto& outputs = step.outputs;
    for (size_t i = 0; i < outputs.size(); i++) {
      if (outputs[i] == nullptr) continue;
      if (outputs[i]->space != Space::kArena) return malformed("constant output");
      for (const TensorInfo* input : step.inputs) {
        if (overlap(outputs[i], input)) return malformed("a step that overwrites what it reads");
      }
      for (size_t j = 0; j < i; j++) {
        if (overlap(outputs[i], outputs[j])) return malformed("outputs in one place");
      }
    }
    step.params = words_ + at_;
    at_ += static_cast<size_t>(paramWords);
    steps_.push_back(std::move(step));
    return {};
  }

  Status prepareStep(size_t index, ConstantSource& source, ForcedKernel& forced) {
    const Step& step = steps_[index];
    const StepKind& kind = kStepKinds[step.code];
    const StepView view{static_cast<StepCode>(step.code),
                        step.inputs.size(),
                        step.outputs.size(),
                        step.inputs.data(),
                        step.outputs.data(),
                        step.params};
    std::vector<size_t> packed;
    const PrepareContext context{plan_.model_->isa,   forced, source, plan_.constants_.data(),
                                 plan_.model_->packs, packed};
    const Status status = kind.prepare(view, context, &plan_.steps_[index]);
    if (!status.ok()) {
      return Status::error(status.code(), "step " + std::to_string(index) + " (" + kind.name +
                                              "): " + status.what());
    }
    keepWhatIsRead(step.inputs, packed, source);
    source.forget();
    return {};
  }

  // Model constants that a step reads when it runs: those that it did not pack, and those that are
  // another of its inputs, too.
  static void keepWhatIsRead(const std::vector<const TensorInfo*>& inputs,
                             const std::vector<size_t>& packed, ConstantSource& source) {
    for (const TensorInfo* input : inputs) {
      if (input == nullptr || input->space != Space::kModel) continue;
      const auto isSame = [input](const TensorInfo* other) {
        return other != nullptr && other->space == Space::kModel && other->offset == input->offset;
      };
      const bool isPacked = std::find(packed.begin(), packed.end(), input->offset) != packed.end();
      if (!isPacked || std::count_if(inputs.begin(), inputs.end(), isSame) > 1) {
        source.keep(*input);
      }
    }
  }

  Status decodeTensors(int32_t count, std::vector<const TensorInfo*>& tensors) {
    for (int32_t i = 0; i < count; i++) {
      const int32_t tensor = next();
      if (tensor < -1 || tensor >= static_cast<int64_t>(plan_.tensors_.size())) {
        return malformed("tensor index");
      }
      // Steps keep TensorInfo by value; these pointers live as long as the decoder.
      tensors.push_back(tensor < 0 ? nullptr : &plan_.tensors_[static_cast<size_t>(tensor)]);
    }
    return {};
  }

  ExecutablePlan& plan_;
  const std::vector<ConstantPart>& parts_;
  const int32_t* const words_;
  const size_t count_;
  std::vector<Step> steps_;
  size_t at_ = 0;
  bool ok_ = true;
};

Status ExecutablePlan::create(std::shared_ptr<Model> model, const std::vector<ConstantPart>& parts,
                              const int32_t* words, size_t wordCount, const uint8_t* constants,
                              size_t constantBytes, size_t threads,
                              std::unique_ptr<ExecutablePlan>* plan) {
  std::unique_ptr<ExecutablePlan> made(new ExecutablePlan);
  made->model_ = std::move(model);
  made->threads_ = threads;
  made->constants_ = AlignedBuffer(constantBytes);
  if (constantBytes > 0) std::memcpy(made->constants_.data(), constants, constantBytes);
  PlanDecoder decoder(*made, parts, words, wordCount);
  OCTAVO_RETURN_IF_ERROR(decoder.decode());
  OCTAVO_RETURN_IF_ERROR(decoder.prepare());
  made->arenaBytes_ = roundUp(made->arenaBytes_, kTensorAlignment);
  made->scratchStride_ = roundUp(made->scratchStride_, kTensorAlignment);
  if (made->scratchStride_ > (SIZE_MAX - made->arenaBytes_) / threads) {
    return Status::error("LIMIT_EXCEEDED", "the plan needs more memory than there can be");
  }
  *plan = std::move(made);
  return {};
}

void ExecutablePlan::runStep(size_t step, const RunContext& context, const Notice* notice) const {
  const double share = notice == nullptr ? -1 : notice->place - static_cast<double>(step);
  if (share == 0) notice->give();
  if (share <= 0 || share >= 1) return steps_[step]->run(context);
  NoticingTeam team(context.team, share, notice->give);
  steps_[step]->run({context.arena, context.model, context.plan, team, context.scratch,
                     context.scratchStride, context.fault});
}

Status ExecutablePlan::run(RunMemory& memory, const std::atomic<bool>& cancelled, double* times,
                           const Notice* notice) const {
  const std::unique_ptr<Team> team = makeTeam(threads_);
  uint8_t* const arena = memory.buffer.data();
  Fault fault;
  const RunContext context{arena, model_->constants.data(), constants_.data(),
                           *team, arena + arenaBytes_,      scratchStride_,
                           fault};
  for (size_t i = 0; i < steps_.size(); i++) {
    if (cancelled.load(std::memory_order_relaxed)) return Status::error("ABORTED", "aborted");
    if (times == nullptr) {
      runStep(i, context, notice);
    } else {
      const auto start = std::chrono::steady_clock::now();
      runStep(i, context, notice);
      const std::chrono::duration<double, std::nano> time =
          std::chrono::steady_clock::now() - start;
      times[i] = time.count();
    }
    if (!fault.raised()) continue;
    const Status& status = fault.status();
    return Status::error(status.code(), "step " + std::to_string(i) + ": " + status.what());
  }
  return {};
}

}  // namespace octavo
