// AVX-512: FMA on 16 floats. The tiles leave registers for a vector of each column group and one
// broadcast value: 24 accumulators hide the latency several times over.
#include "native/kernels/f32dot/tile.h"
#include "native/kernels/simd/f32avx512.h"

namespace octavo {

void dot_f32_12x16_avx512bw(const FloatDotArgs& args) { floatDot<F32Avx512, 12, 1>(args); }
void dot_f32_12x32_avx512bw(const FloatDotArgs& args) { floatDot<F32Avx512, 12, 2>(args); }
void dot_f32_8x48_avx512bw(const FloatDotArgs& args) { floatDot<F32Avx512, 8, 3>(args); }
void dot_f32_6x64_avx512bw(const FloatDotArgs& args) { floatDot<F32Avx512, 6, 4>(args); }

}  // namespace octavo
