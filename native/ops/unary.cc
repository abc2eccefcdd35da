// Unary: a function of one float32, element by element.
#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

// Elements of a part: enough work even for the simplest function.
constexpr size_t kGrain = 16 << 10;

class UnaryStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  UnaryArgs base{};
  const UnaryKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    const float* from = context.in<float>(x);
    float* to = context.out<float>(y);
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kGrain, 64, [&](size_t begin, size_t end, size_t) {
      UnaryArgs args = base;
      args.x = from + begin;
      args.y = to + begin;
      args.count = end - begin;
      kernel->run(args);
    });
  }
};

}  // namespace

Status prepareUnary(const StepView& step, const PrepareContext& context,
                    std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  const auto& params = step.as<UnaryParams>();
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kFloat32}) || !sameDims(*x, *y)) {
    return badStep("x and y must be float32 of one shape");
  }
  if (params.kind < 0 || params.kind >= static_cast<int32_t>(UnaryKind::kCount)) {
    return badStep("no such kind of function");
  }
  auto unary = std::make_unique<UnaryStep>();
  unary->x = *x;
  unary->y = *y;
  unary->base.kind = static_cast<UnaryKind>(params.kind);
  unary->base.alpha = params.alpha;
  unary->base.beta = params.beta;
  unary->kernel = &chooseUnary(context.isa);
  *prepared = std::move(unary);
  return {};
}

}  // namespace octavo
