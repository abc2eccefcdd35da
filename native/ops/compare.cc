// Compare: a comparison of two tensors of one type that broadcast, as bools. NaN compares false.
#include "native/ops/broadcast.h"
#include "native/ops/number.h"

namespace octavo {
namespace {

// In the order of comparisonKinds in src/runtime/kinds.ts.
enum class ComparisonKind : int32_t { kEqual, kLess, kLessOrEqual, kCount };

template <typename T>
void compareRow(ComparisonKind kind, const T* a, int64_t aStep, const T* b, int64_t bStep,
                uint8_t* y, int64_t count) {
  const auto compare = [&](auto test) {
    for (int64_t i = 0; i < count; ++i) y[i] = test(a[i * aStep], b[i * bStep]);
  };
  switch (kind) {
    case ComparisonKind::kEqual:
      return compare([](T left, T right) { return left == right; });
    case ComparisonKind::kLess:
      return compare([](T left, T right) { return left < right; });
    default:
      return compare([](T left, T right) { return left <= right; });
  }
}

class CompareStep final : public PreparedStep {
 public:
  Broadcast<2> operands;
  ComparisonKind kind = ComparisonKind::kEqual;

  void run(const RunContext& context) const override {
    withNumber(operands.operands[0].type, [&](auto number) {
      using T = decltype(number);
      const T* a = context.in<T>(operands.operands[0]);
      const T* b = context.in<T>(operands.operands[1]);
      auto* y = context.out<uint8_t>(operands.y);
      const Walk<2>& walk = operands.walk;
      operands.forEachRow(context, [&](int64_t at, int64_t count, const int64_t* from) {
        compareRow(kind, a + from[0], walk.rowStride(0), b + from[1], walk.rowStride(1), y + at,
                   count);
      });
      return 0;
    });
  }
};

}  // namespace

Status prepareCompare(const StepView& step, const PrepareContext&,
                      std::unique_ptr<PreparedStep>* prepared) {
  auto compare = std::make_unique<CompareStep>();
  OCTAVO_RETURN_IF_ERROR(compare->operands.take(step));
  const TensorInfo &a = compare->operands.operands[0], &b = compare->operands.operands[1];
  const bool isNumber = withNumber(a.type, [](auto) { return true; });
  if (a.type != b.type || !isNumber || compare->operands.y.type != DataType::kBool) {
    return badStep("a and b must be numbers of one type, y bool");
  }
  const int32_t kind = step.as<CompareParams>().kind;
  if (kind < 0 || kind >= static_cast<int32_t>(ComparisonKind::kCount)) {
    return badStep("no such kind of comparison");
  }
  compare->kind = static_cast<ComparisonKind>(kind);
  *prepared = std::move(compare);
  return {};
}

}  // namespace octavo
