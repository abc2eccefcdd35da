// AVX2 with FMA on 8 floats: 12 accumulators leave four of the sixteen registers. The fewer loads,
// the better: 4 × 24 takes 7 for 12 products, 12 × 8 one more than two ports bring.
#include "native/kernels/f32dot/tile.h"
#include "native/kernels/simd/f32avx2.h"

namespace octavo {

void dot_f32_12x8_avx2(const FloatDotArgs& args) { floatDot<F32Avx2, 12, 1>(args); }
void dot_f32_6x16_avx2(const FloatDotArgs& args) { floatDot<F32Avx2, 6, 2>(args); }
void dot_f32_4x24_avx2(const FloatDotArgs& args) { floatDot<F32Avx2, 4, 3>(args); }

}  // namespace octavo
