// AVX2 with FMA.
#include "native/kernels/f32pool/average.h"
#include "native/kernels/simd/f32avx2.h"

namespace octavo {

void averagepool_f32_avx2(const AveragePoolArgs& args) { averagePool<F32Avx2>(args); }

}  // namespace octavo
