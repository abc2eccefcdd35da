// DynamicQuantizeRows: int8, or uint8 with a zero point of 128, by the largest magnitude of each
// row. NaN is passed over and becomes the lowest; a scale of 0, of a row that is all zero or nearly
// so, is replaced by 1. A function in front of it is applied to a few rows at a time: its results
// never leave the nearest cache.
#include <cmath>

#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/kernels/quantize/quantize.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 16 << 10;
// Floats that a function is applied to at a time, if a row has no more.
constexpr size_t kFloatsTogether = 4096;

class DynamicQuantizeRowsStep final : public PreparedStep {
 public:
  TensorInfo x, y, scale;
  size_t rows = 0, depth = 0;
  const QuantizeRowsKernel* kernel = nullptr;
  UnaryArgs function{};
  const UnaryKernel* applied = nullptr;  // null: x is quantized as it is

  size_t scratchBytes() const override {
    return applied == nullptr ? 0 : together() * depth * sizeof(float) + kTensorSlack;
  }

  void run(const RunContext& context) const override {
    const float* from = context.in<float>(x);
    auto* to = context.out<uint8_t>(y);
    float* scales = context.out<float>(scale);
    const bool isSigned = y.type == DataType::kInt8;
    const size_t grain = std::max<size_t>(kGrain / std::max<size_t>(depth, 1), 1);
    const auto quantize = [&](const float* values, size_t begin, size_t end) {
      kernel->run({values, to + begin * depth, scales + begin, end - begin, depth, isSigned});
    };
    forEachPart(context.team, rows, grain, 1, [&](size_t begin, size_t end, size_t worker) {
      if (applied == nullptr) return quantize(from + begin * depth, begin, end);
      auto* values = reinterpret_cast<float*>(context.scratchOf(worker));
      for (size_t first = begin; first < end; first += together()) {
        const size_t last = std::min(end, first + together());
        UnaryArgs args = function;
        args.x = from + first * depth;
        args.y = values;
        args.count = (last - first) * depth;
        applied->run(args);
        quantize(values, first, last);
      }
    });
  }

 private:
  size_t together() const {
    return std::max<size_t>(kFloatsTogether / std::max<size_t>(depth, 1), 1);
  }
};

}  // namespace

Status prepareDynamicQuantizeRows(const StepView& step, const PrepareContext& context,
                                  std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0), *scale = outputAt(step, 1);
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kInt8, DataType::kUint8}) ||
      !isType(scale, {DataType::kFloat32})) {
    return badStep("x and scale must be float32, y int8 or uint8");
  }
  int64_t rows = 1;
  for (int axis = 0; axis + 1 < x->rank; ++axis) rows *= x->dims[axis];
  if (x->rank < 1 || !sameDims(*x, *y) || scale->count != rows) {
    return badStep("x and y must have the same dims, scale an element for each row");
  }
  auto dynamic = std::make_unique<DynamicQuantizeRowsStep>();
  dynamic->x = *x;
  dynamic->y = *y;
  dynamic->scale = *scale;
  dynamic->rows = static_cast<size_t>(rows);
  dynamic->depth = static_cast<size_t>(x->dims[x->rank - 1]);
  dynamic->kernel = &chooseQuantizeRows(context.isa);
  const auto& params = step.as<DynamicQuantizeRowsParams>();
  if (params.kind < 0 || params.kind >= static_cast<int32_t>(UnaryKind::kCount)) {
    return badStep("no such kind of function");
  }
  dynamic->function.kind = static_cast<UnaryKind>(params.kind);
  dynamic->function.alpha = params.alpha;
  dynamic->function.beta = params.beta;
  const bool bounded = params.alpha != -INFINITY || params.beta != INFINITY;
  if (bounded || dynamic->function.kind != UnaryKind::kClip) {
    dynamic->applied = &chooseUnary(context.isa);
  }
  *prepared = std::move(dynamic);
  return {};
}

}  // namespace octavo
