// A decoded plan, ready to run. Decoding trusts nothing: counts, indexes, types and extents are
// checked against the words and the spaces before an operator sees them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "native/ops/op.h"
#include "native/plan/models.h"
#include "native/plan/notice.h"
#include "native/plan/tensor.h"
#include "native/status.h"

namespace octavo {

// The memory of one run: arena and scratch.
struct RunMemory {
  AlignedBuffer buffer;
};

class ExecutablePlan {
 public:
  // Decodes the words that src/runtime/encode.ts writes and prepares every step. `threads` is the
  // most that this, or a run, may use, 1 to kMaxThreads.
  // `parts`: the model's constants, as far as it does not keep them already.
  // Throws std::bad_alloc.
  static Status create(std::shared_ptr<Model> model, const std::vector<ConstantPart>& parts,
                       const int32_t* words, size_t wordCount, const uint8_t* constants,
                       size_t constantBytes, size_t threads, std::unique_ptr<ExecutablePlan>* plan);

  size_t threads() const { return threads_; }
  size_t stepCount() const { return steps_.size(); }
  size_t inputCount() const { return inputs_.size(); }
  size_t outputCount() const { return outputs_.size(); }
  const TensorInfo& input(size_t i) const { return tensors_[inputs_[i]]; }
  const TensorInfo& output(size_t i) const { return tensors_[outputs_[i]]; }
  size_t memoryBytes() const { return arenaBytes_ + threads_ * scratchStride_; }
  size_t constantBytes() const { return constants_.bytes(); }

  // Where a graph input is to be written before run(), and where an output lies after it.
  uint8_t* place(RunMemory& memory, const TensorInfo& tensor) const {
    return memory.buffer.data() + tensor.offset;
  }

  // Runs every step on the calling thread's team. Stops between steps once `cancelled` is set, with
  // ABORTED, and behind a step that has a fault to tell of, with that. `times` has room for the
  // nanoseconds of each step, or is null; `notice` may be null too.
  Status run(RunMemory& memory, const std::atomic<bool>& cancelled, double* times = nullptr,
             const Notice* notice = nullptr) const;

 private:
  ExecutablePlan() = default;
  void runStep(size_t step, const RunContext& context, const Notice* notice) const;

  std::shared_ptr<Model> model_;
  AlignedBuffer constants_;
  std::vector<TensorInfo> tensors_;
  std::vector<size_t> inputs_;
  std::vector<size_t> outputs_;
  std::vector<std::unique_ptr<PreparedStep>> steps_;
  size_t arenaBytes_ = 0;
  size_t scratchStride_ = 0;
  size_t threads_ = 1;

  friend class PlanDecoder;
};

// The step vocabulary of steps.inc as text, in the form of schemaText() in src/runtime/steps.ts.
const char* schemaText();

}  // namespace octavo
