// QuantizeLinear: y = clamp(rne(x / scale) + zeroPoint).
#include <limits>

#include "native/kernels/quantize/quantize.h"
#include "native/kernels/scalar.h"
#include "native/ops/scales.h"

namespace octavo {
namespace {

class QuantizeStep final : public ScaledStep {
 public:
  const QuantizeKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    switch (y.type) {
      case DataType::kUint8:
        return runAs<uint8_t>(context);
      case DataType::kInt8:
        return runAs<int8_t>(context);
      case DataType::kUint16:
        return runAs<uint16_t>(context);
      default:
        return runAs<int16_t>(context);
    }
  }

 private:
  template <typename T>
  void runAs(const RunContext& context) const {
    forEachRun<T>(
        context, [&](size_t begin, size_t count, const float* scales, const T* zeros, size_t step) {
          runRun(context, begin, count, scales, zeros, step);
        });
  }

  template <typename T>
  void runRun(const RunContext& context, size_t begin, size_t count, const float* scales,
              const T* zeros, size_t step) const {
    using Limits = std::numeric_limits<T>;
    const float* from = context.in<float>(x) + begin;
    T* to = context.out<T>(y) + begin;
    if (sizeof(T) == 1 && step == 0) {
      kernel->run({from, reinterpret_cast<uint8_t*>(to), count, *scales,
                   zeros == nullptr ? 0 : *zeros, Limits::is_signed});
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      const int32_t zero = zeros == nullptr ? 0 : zeros[i * step];
      to[i] = static_cast<T>(
          roundToInteger(from[i] / scales[i * step], zero, Limits::min(), Limits::max()));
    }
  }
};

}  // namespace

Status prepareQuantizeLinear(const StepView& step, const PrepareContext& context,
                             std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *scale = inputAt(step, 1), *zero = inputAt(step, 2);
  const TensorInfo* y = outputAt(step, 0);
  const auto& params = step.as<QuantizeLinearParams>();
  if (!isType(x, {DataType::kFloat32}) || !isType(scale, {DataType::kFloat32}) ||
      !isType(y, {DataType::kUint8, DataType::kInt8, DataType::kUint16, DataType::kInt16}) ||
      (zero != nullptr && zero->type != y->type)) {
    return badStep("x and scale must be float32, y and zeroPoint the same 8 or 16 bit type");
  }
  auto quantize = std::make_unique<QuantizeStep>();
  OCTAVO_RETURN_IF_ERROR(quantize->take(*x, *scale, zero, *y, params.axis, params.blockSize));
  quantize->kernel = &chooseQuantize(context.isa);
  *prepared = std::move(quantize);
  return {};
}

}  // namespace octavo
