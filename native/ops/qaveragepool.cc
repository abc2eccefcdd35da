// QAveragePool: averages of uint8 over windows, requantized or as float32. Padding counts, as zero
// points, if countIncludePad; a window on padding alone averages to zero.
#include <cmath>

#include "native/ops/pools.h"

namespace octavo {
namespace {

class QAveragePoolStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Window window{};
  QAveragePoolParams params{};
  const QAveragePoolKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    QAveragePoolArgs base{};
    base.channels = static_cast<size_t>(window.channels);
    base.toFloat = y.type == DataType::kFloat32;
    base.xZero = params.xZero;
    base.zero = params.yZero;
    base.min = params.min;
    base.max = params.max;
    forEachPool(context.team, window, context.in<uint8_t>(x), 1,
                [&](const PoolWindow& pool, int64_t pixel) {
                  QAveragePoolArgs args = base;
                  args.window = pool;
                  const size_t at = static_cast<size_t>(pixel) * base.channels;
                  if (base.toFloat) {
                    args.y = context.out<float>(y) + at;
                  } else {
                    args.y = context.out<uint8_t>(y) + at;
                  }
                  if (pool.rows == 0 || pool.cells == 0) {
                    fillZero(args);
                    return;
                  }
                  const auto cells = static_cast<float>(
                      params.countIncludePad == 1 ? window.cells()
                                                  : static_cast<int64_t>(pool.rows * pool.cells));
                  args.multiplier = multiplier(cells);
                  kernel->run(args);
                });
  }

  float multiplier(float cells) const {
    return y.type == DataType::kFloat32 ? params.xScale / cells
                                        : params.xScale / (params.yScale * cells);
  }

 private:
  void fillZero(const QAveragePoolArgs& args) const {
    const size_t count = args.window.outputs * args.channels;
    if (args.toFloat) {
      std::fill_n(static_cast<float*>(args.y), count, 0.0f);
    } else {
      const int32_t zero = std::clamp(params.yZero, params.min, params.max);
      std::fill_n(static_cast<uint8_t*>(args.y), count, static_cast<uint8_t>(zero));
    }
  }
};

}  // namespace

Status prepareQAveragePool(const StepView& step, const PrepareContext& context,
                           std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  const auto& params = step.as<QAveragePoolParams>();
  if (!isType(x, {DataType::kUint8}) || !isType(y, {DataType::kUint8, DataType::kFloat32})) {
    return badStep("x must be uint8, y uint8 or float32");
  }
  if (!isUint8Range(params.xZero, 0, 0) ||
      (y->type == DataType::kUint8 && !isUint8Range(params.yZero, params.min, params.max))) {
    return badStep("zero points and bounds of uint8 must lie in 0 ... 255");
  }
  auto pool = std::make_unique<QAveragePoolStep>();
  OCTAVO_RETURN_IF_ERROR(makeWindow(params, params.kernelH, params.kernelW, *x, *y, &pool->window));
  if (x->dims[3] != y->dims[3]) return badStep("x and y must have the same channels");
  pool->x = *x;
  pool->y = *y;
  pool->params = params;
  if (!std::isfinite(pool->multiplier(1))) return badStep("the scales give no finite multiplier");
  pool->kernel = &chooseQAveragePool(context.isa);
  *prepared = std::move(pool);
  return {};
}

}  // namespace octavo
