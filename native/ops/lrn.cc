// Lrn: local response normalization across the last axis of a float32 tensor.
#include "native/kernels/f32rows/f32rows.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 4 << 10;

class LrnStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  LrnArgs base{};
  const RowsKernel* kernel = nullptr;

  size_t scratchBytes() const override { return lrnSquares(base) * sizeof(float); }

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    const float* from = context.in<float>(x);
    float* to = context.out<float>(y);
    const size_t channels = base.channels, rows = static_cast<size_t>(y.count) / channels;
    forEachPart(context.team, rows, kGrain / channels, 1,
                [&](size_t begin, size_t end, size_t worker) {
                  LrnArgs args = base;
                  args.x = from + begin * channels;
                  args.y = to + begin * channels;
                  args.rows = end - begin;
                  args.squares = reinterpret_cast<float*>(context.scratchOf(worker));
                  kernel->lrn(args);
                });
  }
};

}  // namespace

Status prepareLrn(const StepView& step, const PrepareContext& context,
                  std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  const auto& params = step.as<LrnParams>();
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kFloat32}) || !sameDims(*x, *y)) {
    return badStep("x and y must be float32 of one shape");
  }
  if (params.size < 1) return badStep("size must be positive");
  auto lrn = std::make_unique<LrnStep>();
  lrn->x = *x;
  lrn->y = *y;
  const auto channels = x->rank > 0 ? static_cast<size_t>(x->dims[x->rank - 1]) : 1;
  const auto size = static_cast<size_t>(params.size);
  LrnArgs& base = lrn->base;
  base.channels = channels;
  // Neighbours beyond the first and the last channel are none.
  base.before = std::min((size - 1) / 2, channels);
  base.after = std::min(size - 1 - (size - 1) / 2, channels);
  base.weight = static_cast<float>(static_cast<double>(params.alpha) / params.size);
  base.bias = params.bias;
  base.beta = params.beta;
  lrn->kernel = &chooseRows(context.isa);
  *prepared = std::move(lrn);
  return {};
}

}  // namespace octavo
