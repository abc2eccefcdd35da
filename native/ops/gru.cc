// Gru: gates z, r, h of each row. The reset gate lies before the product of the last one, or, if
// linearBeforeReset, behind it.
#include "native/ops/recurrent.h"

namespace octavo {
namespace {

class GruStep final : public RecurrentStep {
 public:
  bool linearBeforeReset = false;
  CellFunction f, g;

 private:
  void advance(const TimeStep& step) const override {
    const size_t n = hidden_;
    Team& team = step.context.team;
    if (!linearBeforeReset) {
      addBias(step, width_);
    } else {
      addBias(step, 2 * n);
      // h · rᵀ + bias
      if (!hasBias) std::fill(step.spare, step.spare + step.rows * n, 0.0f);
      weights[1].multiply(team, step.state, step.rows, biasOf(step.context, 2 * n), step.panels[1],
                          step.spare, n);
    }
    weights[0].multiply(team, step.state, step.rows, nullptr, step.panels[0], step.gates, width_);
    forEachRow(step, [&](size_t i) {
      float *gates = step.gates + i * width_, *extra = step.spare + i * n;
      f(gates, gates, 2 * n);
      const float* reset = gates + n;
      if (linearBeforeReset) {
        for (size_t j = 0; j < n; ++j) gates[2 * n + j] += reset[j] * extra[j];
      } else {
        for (size_t j = 0; j < n; ++j) extra[j] = reset[j] * step.state[i][j];
      }
    });
    if (!linearBeforeReset) {
      for (size_t i = 0; i < step.rows; ++i) step.pointers[i] = step.spare + i * n;
      weights[1].multiply(team, step.pointers, step.rows, nullptr, step.panels[1],
                          step.gates + 2 * n, width_);
    }
    forEachRow(step, [&](size_t i) {
      float *update = step.gates + i * width_, *fresh = update + 2 * n;
      float* state = step.context.out<float>(h) + step.row[i] * n;
      g(fresh, fresh, n);
      for (size_t j = 0; j < n; ++j) {
        state[j] = (1 - update[j]) * fresh[j] + update[j] * state[j];
      }
    });
  }
};

}  // namespace

Status prepareGru(const StepView& step, const PrepareContext& context,
                  std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<GruParams>();
  auto gru = std::make_unique<GruStep>();
  gru->clip = params.clip;
  gru->reverse = params.reverse == 1;
  gru->linearBeforeReset = params.linearBeforeReset == 1;
  OCTAVO_RETURN_IF_ERROR(gru->take(step, context, 3));
  OCTAVO_RETURN_IF_ERROR(
      gru->takeFunction(context, params.fKind, params.fAlpha, params.fBeta, &gru->f));
  OCTAVO_RETURN_IF_ERROR(
      gru->takeFunction(context, params.gKind, params.gAlpha, params.gBeta, &gru->g));
  const TensorInfo& r = *step.inputs[1];
  const auto hidden = static_cast<size_t>(r.dims[2]);
  gru->parts = 2;
  gru->spare = hidden;
  OCTAVO_RETURN_IF_ERROR(gru->weights[0].take(context, r, 0, 2 * hidden));
  OCTAVO_RETURN_IF_ERROR(gru->weights[1].take(context, r, 2 * hidden, hidden));
  *prepared = std::move(gru);
  return {};
}

}  // namespace octavo
