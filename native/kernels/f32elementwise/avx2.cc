// AVX2 with FMA.
#include "native/kernels/f32elementwise/map.h"
#include "native/kernels/simd/f32avx2.h"

namespace octavo {

void unary_f32_avx2(const UnaryArgs& args) { unary<F32Avx2>(args); }
void binary_f32_avx2(const BinaryArgs& args) { binary<F32Avx2>(args); }

}  // namespace octavo
