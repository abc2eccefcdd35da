// What Lstm, Gru and Rnn share: time steps one after the other, each a product of the state with
// the recurrent weights and a few functions of its gates. The state is kept in the output h. Rows
// whose sequence has ended take no part any more, so gates lie in scratch memory without gaps.
#pragma once

#include <memory>

#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/ops/check.h"
#include "native/ops/f32product.h"
#include "native/ops/parts.h"

namespace octavo {

// Columns of rᵀ in panels, from row `first` of r on.
class RecurrentWeights {
 public:
  Status take(const PrepareContext& context, const TensorInfo& r, size_t first, size_t rows);
  // Floats of scratch memory that `panels` needs: none where the weights are constant.
  size_t scratchCount() const { return packed_ == nullptr ? layout_.weightCount : 0; }
  // Where the panels lie; `scratch` takes them where they are not constant.
  const float* panels(const RunContext& context, float* scratch) const;
  // Adds a · rᵀ to y, or sets y to it and the bias if there is one. Row i of y begins at y + i *
  // stride.
  void multiply(Team& team, const float* const* a, size_t rows, const float* bias,
                const float* panels, float* y, size_t stride) const;

 private:
  TensorInfo r_{};
  size_t first_ = 0, depth_ = 0;
  FloatPanelLayout layout_{};
  PackedBuffer packed_;
};

// A function of a cell, with the bound of what it is applied to.
struct CellFunction {
  const UnaryKernel* kernel = nullptr;
  UnaryArgs args{};
  float clip = 0;

  // y = f(x) for `count` elements; y may be x.
  void operator()(const float* x, float* y, size_t count) const;
};

// Rows of gates in one time step: those of sequences that go on.
struct TimeStep {
  size_t rows;
  const size_t* row;           // which rows of the batch they are
  const float* const* state;   // where h of each lies
  float* gates;                // x of each, `width` apart; the cell computes in place
  float* spare;                // as many rows of `spare` floats
  const float** pointers;      // as many, for the cell to set
  const float* const* panels;  // of each RecurrentWeights
  const RunContext& context;
};

class RecurrentStep : public PreparedStep {
 public:
  // Checks and takes what all three steps have; `gates` of each cell.
  Status take(const StepView& step, const PrepareContext& context, size_t gates);
  Status takeFunction(const PrepareContext& context, int32_t kind, float alpha, float beta,
                      CellFunction* function) const;
  size_t scratchBytes() const override;
  void run(const RunContext& context) const override;

  float clip = 0;
  bool reverse = false;
  RecurrentWeights weights[2];
  size_t parts = 1;  // how many of the weights are used
  size_t spare = 0;  // floats per row that the cell wants beside its gates
  TensorInfo y{}, h{};
  TensorInfo bias{};
  bool hasBias = false;

 protected:
  // Computes h of all rows from their gates.
  virtual void advance(const TimeStep& step) const = 0;
  // Called before the first time step.
  virtual void begin(const RunContext&) const {}

  // Fills a state with its first value, or with zeros.
  static void fill(const RunContext& context, const TensorInfo* from, const TensorInfo& to);
  const float* biasOf(const RunContext& context, size_t first) const {
    return hasBias ? context.in<float>(bias) + first : nullptr;
  }
  // Adds the bias, if any, to the first `count` values of all gates.
  void addBias(const TimeStep& step, size_t count) const;
  // Calls body(row) for all rows, in parts of the team.
  template <typename Body>
  void forEachRow(const TimeStep& step, Body&& body) const {
    forEachPart(step.context.team, step.rows, kGrain / width_, 1,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t i = begin; i < end; ++i) body(i);
                });
  }

 public:
  // Whether an optional tensor is absent, or float32 of that many elements.
  static bool isStateOf(const TensorInfo* tensor, int64_t count) {
    return tensor == nullptr || (tensor->type == DataType::kFloat32 && tensor->count == count);
  }

 protected:
  size_t steps_ = 0, batch_ = 0, hidden_ = 0, width_ = 0;

 private:
  static constexpr size_t kGrain = 16 << 10;
  // How many time steps each row has; false where one is out of range.
  bool lengthsOf(const RunContext& context, size_t* lengths) const;

  TensorInfo x_{}, first_{}, lengths_{};
  bool hasFirst_ = false, hasLengths_ = false;
};

}  // namespace octavo
