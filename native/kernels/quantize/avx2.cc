#include "native/kernels/quantize/run.h"
#include "native/kernels/simd/f32avx2.h"

namespace octavo {

void quantize_f32q8_avx2(const QuantizeArgs& args) { quantize<F32Avx2>(args); }
void dequantize_q8f32_avx2(const DequantizeArgs& args) { dequantize<F32Avx2>(args); }
void range_f32_avx2(const RangeArgs& args) { range<F32Avx2>(args); }
void quantizerows_f32q8_avx2(const QuantizeRowsArgs& args) {
  quantizeRows<F32Avx2>(args, quantize<F32Avx2>);
}

}  // namespace octavo
