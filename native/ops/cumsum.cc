// CumSum: sums of the elements of a line up to each one. Floats are summed in double and rounded
// where they are stored; integers wrap.
#include "native/ops/check.h"
#include "native/ops/lines.h"
#include "native/ops/number.h"

namespace octavo {
namespace {

template <typename T>
class CumSumStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Lines lines;
  bool exclusive = false, reverse = false;

  void run(const RunContext& context) const override {
    const T* from = context.in<T>(x);
    T* to = context.out<T>(y);
    const int64_t step = reverse ? -lines.inner : lines.inner;
    lines.forEach(context.team, [&](int64_t line, size_t) {
      int64_t at = lines.first(line, lines.size) + (reverse ? (lines.size - 1) * lines.inner : 0);
      Sum total = 0;
      for (int64_t i = 0; i < lines.size; ++i, at += step) {
        if (exclusive) to[at] = static_cast<T>(total);
        total += static_cast<Sum>(from[at]);
        if (!exclusive) to[at] = static_cast<T>(total);
      }
    });
  }

 private:
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
};

}  // namespace

Status prepareCumSum(const StepView& step, const PrepareContext&,
                     std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<CumSumParams>();
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  Lines lines;
  if (x == nullptr || !isType(y, {x->type})) return badStep("x and y must be of one type");
  if (!lines.take(*x, params.axis) || !sameDims(*x, *y)) {
    return badStep("x and y must be of one shape, with the axis");
  }
  if (x->type == DataType::kBool) return badStep("x must be a number");
  *prepared = withNumber(x->type, [&](auto number) -> std::unique_ptr<PreparedStep> {
    auto sums = std::make_unique<CumSumStep<decltype(number)>>();
    sums->x = *x;
    sums->y = *y;
    sums->lines = lines;
    sums->exclusive = params.exclusive != 0;
    sums->reverse = params.reverse != 0;
    return sums;
  });
  return *prepared == nullptr ? badStep("x must be a number") : Status();
}

}  // namespace octavo
