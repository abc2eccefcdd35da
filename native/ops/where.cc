// Where: elements of a where the condition holds, of b where it does not; all three broadcast.
#include "native/ops/broadcast.h"
#include "native/ops/element.h"

namespace octavo {
namespace {

template <typename Element>
void chooseRow(const uint8_t* condition, int64_t conditionStep, const Element* a, int64_t aStep,
               const Element* b, int64_t bStep, Element* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    y[i] = condition[i * conditionStep] != 0 ? a[i * aStep] : b[i * bStep];
  }
}

class WhereStep final : public PreparedStep {
 public:
  Broadcast<3> operands;

  void run(const RunContext& context) const override {
    withWord(elementBytes(operands.y.type), [&](auto word) { runAs<decltype(word)>(context); });
  }

 private:
  template <typename Element>
  void runAs(const RunContext& context) const {
    const auto* condition = context.in<uint8_t>(operands.operands[0]);
    const auto* a = context.in<Element>(operands.operands[1]);
    const auto* b = context.in<Element>(operands.operands[2]);
    auto* y = context.out<Element>(operands.y);
    const Walk<3>& walk = operands.walk;
    operands.forEachRow(context, [&](int64_t at, int64_t count, const int64_t* from) {
      chooseRow(condition + from[0], walk.rowStride(0), a + from[1], walk.rowStride(1), b + from[2],
                walk.rowStride(2), y + at, count);
    });
  }
};

}  // namespace

Status prepareWhere(const StepView& step, const PrepareContext&,
                    std::unique_ptr<PreparedStep>* prepared) {
  auto where = std::make_unique<WhereStep>();
  OCTAVO_RETURN_IF_ERROR(where->operands.take(step));
  const DataType type = where->operands.y.type;
  if (where->operands.operands[0].type != DataType::kBool ||
      where->operands.operands[1].type != type || where->operands.operands[2].type != type) {
    return badStep("the condition must be bool, a, b and y of one type");
  }
  if (elementBytes(type) == 0) return badStep("elements of less than a byte can't be moved");
  *prepared = std::move(where);
  return {};
}

}  // namespace octavo
