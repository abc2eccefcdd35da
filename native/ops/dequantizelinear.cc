// DequantizeLinear: y = (x - zeroPoint) * scale, the difference rounded to float32 where it is too
// long for one.
#include "native/kernels/quantize/quantize.h"
#include "native/ops/parts.h"
#include "native/ops/scales.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 16 << 10;

class DequantizeStep final : public PreparedStep {
 public:
  TensorInfo x, scale, zeroPoint, y;
  bool hasZeroPoint = false;
  ScaleLayout layout{};
  const DequantizeKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    switch (x.type) {
      case DataType::kUint8:
        return runAs<uint8_t>(context);
      case DataType::kInt8:
        return runAs<int8_t>(context);
      case DataType::kUint16:
        return runAs<uint16_t>(context);
      case DataType::kInt16:
        return runAs<int16_t>(context);
      default:
        return runAs<int32_t>(context);
    }
  }

 private:
  template <typename T>
  void runAs(const RunContext& context) const {
    const auto* zeros = hasZeroPoint ? context.in<T>(zeroPoint) : nullptr;
    if (layout.count == 1) {
      forEachPart(context.team, static_cast<size_t>(x.count), kGrain, 64,
                  [&](size_t begin, size_t end, size_t) {
                    runRun<T>(context, begin, end - begin, context.in<float>(scale), zeros, 0);
                  });
      return;
    }
    layout.forEachRun([&](int64_t begin, int64_t end, int64_t index, int64_t step) {
      runRun<T>(context, static_cast<size_t>(begin), static_cast<size_t>(end - begin),
                context.in<float>(scale) + index, zeros == nullptr ? nullptr : zeros + index,
                static_cast<size_t>(step));
    });
  }

  template <typename T>
  void runRun(const RunContext& context, size_t begin, size_t count, const float* scales,
              const T* zeros, size_t step) const {
    const T* from = context.in<T>(x) + begin;
    float* to = context.out<float>(y) + begin;
    if (sizeof(T) == 1 && step == 0) {
      kernel->run({reinterpret_cast<const uint8_t*>(from), to, count, *scales,
                   zeros == nullptr ? 0 : static_cast<int32_t>(*zeros), T(-1) < T(0),
                   y.bytes > kStreamedBytes});
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      // Of two int32 the difference wraps.
      const auto zero = zeros == nullptr ? 0u : static_cast<uint32_t>(zeros[i * step]);
      const auto difference = static_cast<int32_t>(static_cast<uint32_t>(from[i]) - zero);
      to[i] = static_cast<float>(difference) * scales[i * step];
    }
  }
};

}  // namespace

Status prepareDequantizeLinear(const StepView& step, const PrepareContext& context,
                               std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *scale = inputAt(step, 1), *zero = inputAt(step, 2);
  const TensorInfo* y = outputAt(step, 0);
  const auto& params = step.as<DequantizeLinearParams>();
  if (!isType(y, {DataType::kFloat32}) || !isType(scale, {DataType::kFloat32}) ||
      !isType(x, {DataType::kUint8, DataType::kInt8, DataType::kUint16, DataType::kInt16,
                  DataType::kInt32}) ||
      (zero != nullptr && zero->type != x->type)) {
    return badStep("y and scale must be float32, x and zeroPoint the same 8, 16 or 32 bit type");
  }
  if (!sameDims(*x, *y)) return badStep("x and y must have the same dims");
  auto dequantize = std::make_unique<DequantizeStep>();
  OCTAVO_RETURN_IF_ERROR(
      makeScaleLayout(*x, *scale, zero, params.axis, params.blockSize, &dequantize->layout));
  dequantize->x = *x;
  dequantize->scale = *scale;
  dequantize->y = *y;
  dequantize->hasZeroPoint = zero != nullptr;
  if (zero != nullptr) dequantize->zeroPoint = *zero;
  dequantize->kernel = &chooseDequantize(context.isa);
  *prepared = std::move(dequantize);
  return {};
}

}  // namespace octavo
