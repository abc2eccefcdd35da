// Plain C++, for any CPU, and the specification of the family.
#include "native/kernels/quantize/quantize.h"
#include "native/kernels/scalar.h"

namespace octavo {

void quantize_f32q8_portable(const QuantizeArgs& args) {
  const int32_t lowest = args.isSigned ? -128 : 0;
  for (size_t i = 0; i < args.count; ++i) {
    args.y[i] = static_cast<uint8_t>(
        roundToInteger(args.x[i] / args.scale, args.zero, lowest, lowest + 255));
  }
}

void dequantize_q8f32_portable(const DequantizeArgs& args) {
  for (size_t i = 0; i < args.count; ++i) {
    const int32_t q = args.isSigned ? static_cast<int8_t>(args.x[i]) : args.x[i];
    args.y[i] = static_cast<float>(q - args.zero) * args.scale;
  }
}

void range_f32_portable(const RangeArgs& args) {
  for (size_t i = 0; i < args.count; ++i) {
    *args.low = args.x[i] < *args.low ? args.x[i] : *args.low;
    *args.high = args.x[i] > *args.high ? args.x[i] : *args.high;
  }
}

void quantizerows_f32q8_portable(const QuantizeRowsArgs& args) {
  for (size_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.depth;
    float most = 0;
    for (size_t i = 0; i < args.depth; ++i) {
      const float magnitude = x[i] < 0 ? -x[i] : x[i];
      most = magnitude > most ? magnitude : most;
    }
    const float step = most / 127.0f;
    args.scale[row] = step > 0 ? step : 1;
    quantize_f32q8_portable({x, args.y + row * args.depth, args.depth, args.scale[row],
                             args.isSigned ? 0 : 128, args.isSigned});
  }
}

}  // namespace octavo
