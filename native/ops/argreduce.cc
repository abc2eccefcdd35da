// ArgReduce: where the greatest or least element of each line along an axis lies, the first or the
// last of equal ones. NaN is both greater and less than any number.
#include "native/ops/check.h"
#include "native/ops/lines.h"
#include "native/ops/number.h"

namespace octavo {
namespace {

// In the order of argReduceKinds in src/runtime/kinds.ts.
enum class ArgReduceKind : int32_t { kMax, kMin, kCount };

template <typename T>
class ArgReduceStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Lines lines;
  bool greatest = false, last = false;

  void run(const RunContext& context) const override {
    const T* from = context.in<T>(x);
    auto* to = context.out<int64_t>(y);
    lines.forEach(context.team, [&](int64_t line, size_t) {
      const T* row = from + lines.first(line, lines.size);
      int64_t best = 0;
      for (int64_t i = 1; i < lines.size; ++i) {
        if (wins(row[i * lines.inner], row[best * lines.inner])) best = i;
      }
      to[line] = best;
    });
  }

 private:
  bool wins(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (b != b) return last && a != a;
      if (a != a) return true;
    }
    return a == b ? last : greatest ? a > b : a < b;
  }
};

}  // namespace

Status prepareArgReduce(const StepView& step, const PrepareContext&,
                        std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<ArgReduceParams>();
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  Lines lines;
  if (x == nullptr || !isType(y, {DataType::kInt64})) return badStep("y must be int64");
  if (params.kind < 0 || params.kind >= static_cast<int32_t>(ArgReduceKind::kCount)) {
    return badStep("unknown kind");
  }
  if (!lines.take(*x, params.axis) || !sameButAlong(*x, params.axis, 1, *y)) {
    return badStep("y must have the dims of x, 1 along the axis");
  }
  if (lines.size == 0 && y->count > 0) return badStep("lines must have elements");
  if (x->type == DataType::kBool) return badStep("x must be a number");
  *prepared = withNumber(x->type, [&](auto number) -> std::unique_ptr<PreparedStep> {
    auto reduce = std::make_unique<ArgReduceStep<decltype(number)>>();
    reduce->x = *x;
    reduce->y = *y;
    reduce->lines = lines;
    reduce->greatest = params.kind == static_cast<int32_t>(ArgReduceKind::kMax);
    reduce->last = params.last != 0;
    return reduce;
  });
  return *prepared == nullptr ? badStep("x must be a number") : Status();
}

}  // namespace octavo
