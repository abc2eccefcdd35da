#include "native/kernels/quantize/run.h"
#include "native/kernels/simd/f32avx512.h"

namespace octavo {

void quantize_f32q8_avx512bw(const QuantizeArgs& args) { quantize<F32Avx512>(args); }
void dequantize_q8f32_avx512bw(const DequantizeArgs& args) { dequantize<F32Avx512>(args); }
void range_f32_avx512bw(const RangeArgs& args) { range<F32Avx512>(args); }
void quantizerows_f32q8_avx512bw(const QuantizeRowsArgs& args) {
  quantizeRows<F32Avx512>(args, quantize<F32Avx512>);
}

}  // namespace octavo
