// DynamicQuantizeLinear: uint8 by the range of x itself, which is extended to contain 0. NaN is
// passed over and becomes 0; a scale of 0, of values that are all zero or nearly so, is replaced
// by 1.
#include "native/kernels/quantize/quantize.h"
#include "native/kernels/scalar.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 16 << 10;

class DynamicQuantizeStep final : public PreparedStep {
 public:
  TensorInfo x, y, scale, zeroPoint;
  const RangeKernel* range = nullptr;
  const QuantizeKernel* quantize = nullptr;

  void run(const RunContext& context) const override {
    const float* from = context.in<float>(x);
    const auto count = static_cast<size_t>(x.count);
    // Of each part, so that no two threads write one place.
    float lows[kMostParts] = {}, highs[kMostParts] = {};
    const size_t wanted = std::clamp<size_t>(count / kGrain, 1, kMostParts);
    const size_t chunk = divideUp(count, wanted);
    context.team.forEach(count == 0 ? 0 : divideUp(count, chunk), [&](size_t part, size_t) {
      const size_t begin = part * chunk;
      range->run({from + begin, std::min(chunk, count - begin), &lows[part], &highs[part]});
    });
    const float low = *std::min_element(lows, lows + kMostParts);
    const float high = *std::max_element(highs, highs + kMostParts);

    float step = (high - low) / 255.0f;
    if (!(step > 0)) step = 1;
    const int32_t zero = roundToInteger(-low / step, 0, 0, 255);
    *context.out<float>(scale) = step;
    *context.out<uint8_t>(zeroPoint) = static_cast<uint8_t>(zero);
    uint8_t* to = context.out<uint8_t>(y);
    forEachPart(context.team, count, kGrain, 64, [&](size_t begin, size_t end, size_t) {
      quantize->run({from + begin, to + begin, end - begin, step, zero, false});
    });
  }
};

}  // namespace

Status prepareDynamicQuantizeLinear(const StepView& step, const PrepareContext& context,
                                    std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  const TensorInfo *scale = outputAt(step, 1), *zero = outputAt(step, 2);
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kUint8}) ||
      !isType(scale, {DataType::kFloat32}) || !isType(zero, {DataType::kUint8})) {
    return badStep("x and scale must be float32, y and zeroPoint uint8");
  }
  if (!sameDims(*x, *y) || scale->count != 1 || zero->count != 1) {
    return badStep("x and y must have the same dims, scale and zeroPoint one element");
  }
  auto dynamic = std::make_unique<DynamicQuantizeStep>();
  dynamic->x = *x;
  dynamic->y = *y;
  dynamic->scale = *scale;
  dynamic->zeroPoint = *zero;
  dynamic->range = &chooseRange(context.isa);
  dynamic->quantize = &chooseQuantize(context.isa);
  *prepared = std::move(dynamic);
  return {};
}

}  // namespace octavo
