#include "native/kernels/simd/avx2.h"

#include "native/kernels/quantize/run.h"

namespace octavo {

void quantize_f32q8_avx2(const QuantizeArgs& args) { quantize<Avx2>(args); }
void dequantize_q8f32_avx2(const DequantizeArgs& args) { dequantize<Avx2>(args); }
void range_f32_avx2(const RangeArgs& args) { range<Avx2>(args); }

}  // namespace octavo
