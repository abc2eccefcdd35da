// Rnn: one gate, which is the new state.
#include "native/ops/recurrent.h"

namespace octavo {
namespace {

class RnnStep final : public RecurrentStep {
 public:
  CellFunction f;

 private:
  void advance(const TimeStep& step) const override {
    addBias(step, width_);
    weights[0].multiply(step.context.team, step.state, step.rows, nullptr, step.panels[0],
                        step.gates, width_);
    forEachRow(step, [&](size_t i) {
      f(step.gates + i * width_, step.context.out<float>(h) + step.row[i] * hidden_, hidden_);
    });
  }
};

}  // namespace

Status prepareRnn(const StepView& step, const PrepareContext& context,
                  std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<RnnParams>();
  auto rnn = std::make_unique<RnnStep>();
  rnn->clip = params.clip;
  rnn->reverse = params.reverse == 1;
  OCTAVO_RETURN_IF_ERROR(rnn->take(step, context, 1));
  OCTAVO_RETURN_IF_ERROR(
      rnn->takeFunction(context, params.fKind, params.fAlpha, params.fBeta, &rnn->f));
  const TensorInfo& r = *step.inputs[1];
  OCTAVO_RETURN_IF_ERROR(rnn->weights[0].take(context, r, 0, static_cast<size_t>(r.dims[1])));
  *prepared = std::move(rnn);
  return {};
}

}  // namespace octavo
