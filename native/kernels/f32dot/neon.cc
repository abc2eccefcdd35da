// Of 32 registers, 16 or 24 hold accumulators.
#include "native/kernels/f32dot/tile.h"
#include "native/kernels/simd/f32neon.h"

namespace octavo {

void dot_f32_12x4_neon(const FloatDotArgs& args) { floatDot<F32Neon, 12, 1>(args); }
void dot_f32_8x8_neon(const FloatDotArgs& args) { floatDot<F32Neon, 8, 2>(args); }
void dot_f32_8x12_neon(const FloatDotArgs& args) { floatDot<F32Neon, 8, 3>(args); }

}  // namespace octavo
