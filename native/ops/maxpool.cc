// MaxPool of uint8, int8 or float32. Padding is never the maximum; a window on padding alone gives
// the lowest value of the type.
#include <limits>

#include "native/ops/pools.h"

namespace octavo {
namespace {

class MaxPoolStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Window window{};
  const MaxPoolKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    const int64_t elementBytes = x.type == DataType::kFloat32 ? 4 : 1;
    MaxPoolArgs base{};
    base.channelBytes = static_cast<size_t>(window.channels * elementBytes);
    forEachPool(context.team, window, context.in<uint8_t>(x), elementBytes,
                [&](const PoolWindow& pool, int64_t pixel) {
                  MaxPoolArgs args = base;
                  args.window = pool;
                  args.y = context.out<uint8_t>(y) + static_cast<size_t>(pixel) * base.channelBytes;
                  if (pool.rows == 0 || pool.cells == 0) {
                    fillLowest(args.y, pool.outputs * base.channelBytes);
                  } else {
                    kernel->run(args);
                  }
                });
  }

 private:
  void fillLowest(uint8_t* to, size_t bytes) const {
    if (x.type == DataType::kFloat32) {
      std::fill_n(reinterpret_cast<float*>(to), bytes / 4, -std::numeric_limits<float>::infinity());
    } else {
      std::fill_n(to, bytes, static_cast<uint8_t>(x.type == DataType::kInt8 ? 0x80 : 0));
    }
  }
};

}  // namespace

Status prepareMaxPool(const StepView& step, const PrepareContext& context,
                      std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  const auto& params = step.as<MaxPoolParams>();
  if (!isType(x, {DataType::kUint8, DataType::kInt8, DataType::kFloat32}) || y == nullptr ||
      x->type != y->type) {
    return badStep("x and y must be uint8, int8 or float32, both the same");
  }
  auto pool = std::make_unique<MaxPoolStep>();
  OCTAVO_RETURN_IF_ERROR(makeWindow(params, params.kernelH, params.kernelW, *x, *y, &pool->window));
  if (x->dims[3] != y->dims[3]) return badStep("x and y must have the same channels");
  pool->x = *x;
  pool->y = *y;
  pool->kernel = x->type == DataType::kUint8  ? &chooseMaxPoolU8(context.isa)
                 : x->type == DataType::kInt8 ? &chooseMaxPoolS8(context.isa)
                                              : &chooseMaxPoolF32(context.isa);
  *prepared = std::move(pool);
  return {};
}

}  // namespace octavo
