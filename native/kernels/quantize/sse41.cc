#include "native/kernels/quantize/run.h"
#include "native/kernels/simd/f32sse41.h"

namespace octavo {

void quantize_f32q8_sse41(const QuantizeArgs& args) { quantizeDividing<Sse41>(args); }
void dequantize_q8f32_sse41(const DequantizeArgs& args) { dequantize<Sse41>(args); }
void range_f32_sse41(const RangeArgs& args) { range<Sse41>(args); }
void quantizerows_f32q8_sse41(const QuantizeRowsArgs& args) {
  quantizeRows<F32Sse41>(args, quantizeDividing<Sse41>);
}

}  // namespace octavo
