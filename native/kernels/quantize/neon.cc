#include "native/kernels/quantize/run.h"
#include "native/kernels/simd/f32neon.h"

namespace octavo {

void quantize_f32q8_neon(const QuantizeArgs& args) { quantize<F32Neon>(args); }
void dequantize_q8f32_neon(const DequantizeArgs& args) { dequantize<F32Neon>(args); }
void range_f32_neon(const RangeArgs& args) { range<F32Neon>(args); }
void quantizerows_f32q8_neon(const QuantizeRowsArgs& args) {
  quantizeRows<F32Neon>(args, quantize<F32Neon>);
}

}  // namespace octavo
