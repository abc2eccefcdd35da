// AVX-512.
#include "native/kernels/f32pool/average.h"
#include "native/kernels/simd/f32avx512.h"

namespace octavo {

void averagepool_f32_avx512bw(const AveragePoolArgs& args) { averagePool<F32Avx512>(args); }

}  // namespace octavo
