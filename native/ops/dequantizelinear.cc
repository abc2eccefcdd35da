// DequantizeLinear: y = (x - zeroPoint) * scale, the difference rounded to float32 where it is too
// long for one.
#include "native/kernels/quantize/quantize.h"
#include "native/ops/scales.h"

namespace octavo {
namespace {

class DequantizeStep final : public ScaledStep {
 public:
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
    forEachRun<T>(
        context, [&](size_t begin, size_t count, const float* scales, const T* zeros, size_t step) {
          runRun(context, begin, count, scales, zeros, step);
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
  auto dequantize = std::make_unique<DequantizeStep>();
  OCTAVO_RETURN_IF_ERROR(dequantize->take(*x, *scale, zero, *y, params.axis, params.blockSize));
  dequantize->kernel = &chooseDequantize(context.isa);
  *prepared = std::move(dequantize);
  return {};
}

}  // namespace octavo
