#include "native/kernels/simd/neon.h"

#include "native/kernels/quantize/run.h"

namespace octavo {

void quantize_f32q8_neon(const QuantizeArgs& args) { quantize<Neon>(args); }
void dequantize_q8f32_neon(const DequantizeArgs& args) { dequantize<Neon>(args); }
void range_f32_neon(const RangeArgs& args) { range<Neon>(args); }

}  // namespace octavo
