// Lstm: gates i, o, f, c of each row, and a state c beside h.
#include <cmath>

#include "native/ops/recurrent.h"

namespace octavo {
namespace {

class LstmStep final : public RecurrentStep {
 public:
  TensorInfo c{}, firstC{}, peepholes{};
  bool hasFirstC = false, hasPeepholes = false, inputForget = false;
  CellFunction f, g, last;

 private:
  void begin(const RunContext& context) const override {
    fill(context, hasFirstC ? &firstC : nullptr, c);
  }

  void advance(const TimeStep& step) const override {
    const RunContext& context = step.context;
    addBias(step, width_);
    weights[0].multiply(context.team, step.state, step.rows, nullptr, step.panels[0], step.gates,
                        width_);
    const float* peep = hasPeepholes ? context.in<float>(peepholes) : nullptr;
    forEachRow(step, [&](size_t i) {
      const size_t n = hidden_, at = step.row[i] * n;
      float* gates = step.gates + i * width_;
      advanceRow(gates, peep, context.out<float>(c) + at, context.out<float>(h) + at,
                 step.spare + i * n);
    });
  }

  // Adds weight · state to a gate.
  void look(float* gate, const float* weight, const float* state) const {
    for (size_t j = 0; j < hidden_; ++j) gate[j] += weight[j] * state[j];
  }

  void advanceRow(float* gates, const float* peep, float* cell, float* out, float* spareRow) const {
    const size_t n = hidden_;
    float *input = gates, *output = gates + n, *forget = gates + 2 * n, *fresh = gates + 3 * n;
    if (peep != nullptr) {
      look(input, peep, cell);
      look(forget, peep + 2 * n, cell);
      f(input, input, n);
      if (!inputForget) f(forget, forget, n);
    } else {
      f(input, input, inputForget ? 2 * n : 3 * n);
    }
    if (inputForget) {
      for (size_t j = 0; j < n; ++j) forget[j] = 1 - input[j];
    }
    g(fresh, fresh, n);
    for (size_t j = 0; j < n; ++j) cell[j] = forget[j] * cell[j] + input[j] * fresh[j];
    if (peep != nullptr) {
      look(output, peep + n, cell);
      f(output, output, n);
    }
    last(cell, spareRow, n);
    for (size_t j = 0; j < n; ++j) out[j] = output[j] * spareRow[j];
  }
};

}  // namespace

Status prepareLstm(const StepView& step, const PrepareContext& context,
                   std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<LstmParams>();
  auto lstm = std::make_unique<LstmStep>();
  lstm->clip = params.clip;
  lstm->reverse = params.reverse == 1;
  lstm->inputForget = params.inputForget == 1;
  OCTAVO_RETURN_IF_ERROR(lstm->take(step, context, 4));
  const TensorInfo *firstC = inputAt(step, 5), *peepholes = inputAt(step, 6),
                   *c = outputAt(step, 2);
  const TensorInfo& r = *step.inputs[1];
  if (!isType(c, {DataType::kFloat32}) || !sameDims(*c, lstm->h)) {
    return badStep("c must have the shape of h");
  }
  if (!RecurrentStep::isStateOf(firstC, c->count) ||
      !RecurrentStep::isStateOf(peepholes, 3 * r.dims[2])) {
    return badStep("the first c or the peepholes are of another size");
  }
  OCTAVO_RETURN_IF_ERROR(
      lstm->takeFunction(context, params.fKind, params.fAlpha, params.fBeta, &lstm->f));
  OCTAVO_RETURN_IF_ERROR(
      lstm->takeFunction(context, params.gKind, params.gAlpha, params.gBeta, &lstm->g));
  OCTAVO_RETURN_IF_ERROR(
      lstm->takeFunction(context, params.hKind, params.hAlpha, params.hBeta, &lstm->last));
  // As ONNX Runtime has it, c is not bounded before the last function.
  lstm->last.clip = INFINITY;
  lstm->c = *c;
  lstm->hasFirstC = firstC != nullptr;
  if (firstC != nullptr) lstm->firstC = *firstC;
  lstm->hasPeepholes = peepholes != nullptr;
  if (peepholes != nullptr) lstm->peepholes = *peepholes;
  lstm->spare = static_cast<size_t>(r.dims[2]);
  OCTAVO_RETURN_IF_ERROR(lstm->weights[0].take(context, r, 0, static_cast<size_t>(r.dims[1])));
  *prepared = std::move(lstm);
  return {};
}

}  // namespace octavo
