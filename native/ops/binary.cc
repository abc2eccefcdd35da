// Binary: a function of two float32 tensors that broadcast. Axes are merged until a row of the
// innermost one takes either a vector or one value from each operand, which is what kernels do.
#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 16 << 10;

class BinaryStep final : public PreparedStep {
 public:
  TensorInfo a, b, y;
  Walk<2> walk;
  BinaryArgs base{};
  const BinaryKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    const float *left = context.in<float>(a), *right = context.in<float>(b);
    float* to = context.out<float>(y);
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kGrain, 64, [&](size_t begin, size_t end, size_t) {
      BinaryArgs args = base;
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

}  // namespace

Status prepareBinary(const StepView& step, const PrepareContext& context,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *a = inputAt(step, 0), *b = inputAt(step, 1), *y = outputAt(step, 0);
  const auto& params = step.as<BinaryParams>();
  if (!isType(a, {DataType::kFloat32}) || !isType(b, {DataType::kFloat32}) ||
      !isType(y, {DataType::kFloat32})) {
    return badStep("a, b and y must be float32");
  }
  if (params.kind < 0 || params.kind >= static_cast<int32_t>(BinaryKind::kCount)) {
    return badStep("no such kind of function");
  }
  int64_t strides[2][kMaxRank];
  if (!broadcastStrides(*a, *y, strides[0]) || !broadcastStrides(*b, *y, strides[1])) {
    return badStep("a and b must broadcast to the shape of y");
  }
  auto binary = std::make_unique<BinaryStep>();
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
  binary->base.kind = static_cast<BinaryKind>(params.kind);
  binary->base.form = binary->walk.rank == 0           ? BinaryForm::kBoth
                      : binary->walk.rowStride(0) == 0 ? BinaryForm::kRight
                      : binary->walk.rowStride(1) == 0 ? BinaryForm::kLeft
                                                       : BinaryForm::kBoth;
  binary->kernel = &chooseBinary(context.isa);
  *prepared = std::move(binary);
  return {};
}

}  // namespace octavo
