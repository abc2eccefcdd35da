// AVX-512.
#include "native/kernels/f32elementwise/map.h"
#include "native/kernels/simd/f32avx512.h"

namespace octavo {

void unary_f32_avx512bw(const UnaryArgs& args) { unary<F32Avx512>(args); }
void binary_f32_avx512bw(const BinaryArgs& args) { binary<F32Avx512>(args); }

}  // namespace octavo
