// QAdd and QMul: sums and products of two uint8 tensors that broadcast. Axes are merged until a row
// of the innermost one takes either a vector or one value from each operand, which is what kernels
// do.
#include "native/ops/qbinary.h"

#include <cmath>

#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 64 << 10;
// Beyond it, the sum of two products could be infinity less infinity.
constexpr float kLargestMultiplier = 1e36f;

class QBinaryStep final : public PreparedStep {
 public:
  TensorInfo a, b, y;
  Walk<2> walk;
  QBinaryArgs base{};
  const QBinaryKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    const uint8_t *left = context.in<uint8_t>(a), *right = context.in<uint8_t>(b);
    uint8_t* to = context.out<uint8_t>(y);
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kGrain, 64, [&](size_t begin, size_t end, size_t) {
      QBinaryArgs args = base;
      walk.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end),
                      [&](int64_t at, int64_t length, const int64_t* offsets) {
                        args.a = left + offsets[0];
                        args.b = right + offsets[1];
                        args.y = to + at;
                        args.count = static_cast<size_t>(length);
                        kernel->run(args);
                      });
    });
  }
};

// What the two steps have in common; the multipliers are already in `base`.
Status prepareQBinary(const StepView& step, const QBinaryArgs& base, const QBinaryKernel& kernel,
                      std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *a = inputAt(step, 0), *b = inputAt(step, 1), *y = outputAt(step, 0);
  if (!isType(a, {DataType::kUint8}) || !isType(b, {DataType::kUint8}) ||
      !isType(y, {DataType::kUint8})) {
    return badStep("a, b and y must be uint8");
  }
  OCTAVO_RETURN_IF_ERROR(checkQBinary(base));
  int64_t strides[2][kMaxRank];
  if (!broadcastStrides(*a, *y, strides[0]) || !broadcastStrides(*b, *y, strides[1])) {
    return badStep("a and b must broadcast to the shape of y");
  }
  auto binary = std::make_unique<QBinaryStep>();
  binary->a = *a;
  binary->b = *b;
  binary->y = *y;
  for (int axis = 0; axis < y->rank; ++axis) {
    const int64_t stride[] = {strides[0][axis], strides[1][axis]};
    if (y->dims[axis] > 1 && stride[0] == 0 && stride[1] == 0) {
      return badStep("y must have the shape that a and b broadcast to");
    }
    binary->walk.add(y->dims[axis], stride);
  }
  const bool isSingle = binary->walk.rank == 0;
  binary->base = base;
  binary->base.aIsVector = isSingle || binary->walk.rowStride(0) != 0;
  binary->base.bIsVector = isSingle || binary->walk.rowStride(1) != 0;
  binary->kernel = &kernel;
  *prepared = std::move(binary);
  return {};
}

}  // namespace

Status checkQBinary(const QBinaryArgs& base) {
  if (!isUint8Range(base.zero, base.min, base.max) || !isUint8Range(base.aZero, 0, 0) ||
      !isUint8Range(base.bZero, 0, 0)) {
    return badStep("zero points and bounds of uint8 must lie in 0 ... 255");
  }
  for (float multiplier : {base.aMultiplier, base.bMultiplier}) {
    if (!(std::fabs(multiplier) <= kLargestMultiplier)) {
      return badStep("a multiplier is not finite or too large");
    }
  }
  return {};
}

Status prepareQAdd(const StepView& step, const PrepareContext& context,
                   std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<QAddParams>();
  QBinaryArgs base{};
  base.aZero = params.aZero;
  base.bZero = params.bZero;
  base.aMultiplier = params.aMultiplier;
  base.bMultiplier = params.bMultiplier;
  base.zero = params.yZero;
  base.min = params.min;
  base.max = params.max;
  return prepareQBinary(step, base, chooseQAdd(context.isa), prepared);
}

Status prepareQMul(const StepView& step, const PrepareContext& context,
                   std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<QMulParams>();
  QBinaryArgs base{};
  base.aZero = params.aZero;
  base.bZero = params.bZero;
  base.aMultiplier = params.multiplier;
  base.zero = params.yZero;
  base.min = params.min;
  base.max = params.max;
  return prepareQBinary(step, base, chooseQMul(context.isa), prepared);
}

}  // namespace octavo
