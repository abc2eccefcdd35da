// Expand: x repeated along the axes in which y is longer.
#include "native/ops/broadcast.h"
#include "native/ops/element.h"

namespace octavo {
namespace {

class ExpandStep final : public PreparedStep {
 public:
  Broadcast<1> operand;

  void run(const RunContext& context) const override {
    const size_t bytes = elementBytes(operand.y.type);
    const auto* x = context.in<uint8_t>(operand.operands[0]);
    auto* y = context.out<uint8_t>(operand.y);
    operand.forEachRow(context, [&](int64_t at, int64_t count, const int64_t* from) {
      const auto size = static_cast<int64_t>(bytes);
      copyStrided(bytes, x + from[0] * size, operand.walk.rowStride(0), count, y + at * size);
    });
  }
};

}  // namespace

Status prepareExpand(const StepView& step, const PrepareContext&,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y;
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  auto expand = std::make_unique<ExpandStep>();
  OCTAVO_RETURN_IF_ERROR(expand->operand.take(step));
  *prepared = std::move(expand);
  return {};
}

}  // namespace octavo
