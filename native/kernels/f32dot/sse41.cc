// SSE4.1 on 4 floats: 12 accumulators leave four of the sixteen registers.
#include "native/kernels/f32dot/tile.h"
#include "native/kernels/simd/f32sse41.h"

namespace octavo {

void dot_f32_6x8_sse41(const FloatDotArgs& args) { floatDot<F32Sse41, 6, 2>(args); }

}  // namespace octavo
