// Layer normalization along the last axis of a float32 tensor, or of its sum with a residual.
#include "native/kernels/f32rows/f32rows.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 16 << 10;

class LayerNormStep final : public PreparedStep {
 public:
  TensorInfo x, scale, bias, residual, y;
  bool hasBias = false, hasResidual = false;
  size_t length = 1;
  float epsilon = 0;
  const RowsKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    const float* from = context.in<float>(x);
    float* to = context.out<float>(y);
    const float* offsets = hasBias ? context.in<float>(bias) : nullptr;
    const float* others = hasResidual ? context.in<float>(residual) : nullptr;
    const size_t rows = static_cast<size_t>(y.count) / length;
    forEachPart(context.team, rows, kGrain / length, 1, [&](size_t begin, size_t end, size_t) {
      kernel->layerNorm({from + begin * length, to + begin * length, end - begin, length,
                         context.in<float>(scale), offsets,
                         others == nullptr ? nullptr : others + begin * length, epsilon});
    });
  }
};

}  // namespace

Status prepareLayerNorm(const StepView& step, const PrepareContext& context,
                        std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *scale = inputAt(step, 1), *bias = inputAt(step, 2),
                   *residual = inputAt(step, 3), *y = outputAt(step, 0);
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kFloat32}) || !sameDims(*x, *y)) {
    return badStep("x and y must be float32 of one shape");
  }
  const int64_t length = x->rank > 0 ? x->dims[x->rank - 1] : 1;
  if (!isType(scale, {DataType::kFloat32}) || scale->count != length ||
      (bias != nullptr && (bias->type != DataType::kFloat32 || bias->count != length))) {
    return badStep("scale and bias must be float32, one for each element of the last axis");
  }
  if (residual != nullptr && (residual->type != DataType::kFloat32 || !sameDims(*residual, *x))) {
    return badStep("residual must be float32 of x's shape");
  }
  const float epsilon = step.as<LayerNormParams>().epsilon;
  auto norm = std::make_unique<LayerNormStep>();
  norm->x = *x;
  norm->y = *y;
  norm->scale = *scale;
  norm->hasBias = bias != nullptr;
  if (bias != nullptr) norm->bias = *bias;
  norm->hasResidual = residual != nullptr;
  if (residual != nullptr) norm->residual = *residual;
  norm->length = static_cast<size_t>(length);
  norm->epsilon = epsilon;
  norm->kernel = &chooseRows(context.isa);
  *prepared = std::move(norm);
  return {};
}

}  // namespace octavo
