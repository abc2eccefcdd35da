// Copy: the same elements in the same order, under another shape.
#include <cstring>

#include "native/ops/element.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

class CopyStep final : public PreparedStep {
 public:
  TensorInfo x, y;

  void run(const RunContext& context) const override {
    const uint8_t* from = context.in<uint8_t>(x);
    uint8_t* to = context.out<uint8_t>(y);
    forEachPart(context.team, y.bytes, kPartBytes, 64, [&](size_t begin, size_t end, size_t) {
      std::memcpy(to + begin, from + begin, end - begin);
    });
  }
};

}  // namespace

Status prepareCopy(const StepView& step, const PrepareContext&,
                   std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y;
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  if (x->count != y->count) return badStep("x and y must have as many elements");
  auto copy = std::make_unique<CopyStep>();
  copy->x = *x;
  copy->y = *y;
  *prepared = std::move(copy);
  return {};
}

}  // namespace octavo
