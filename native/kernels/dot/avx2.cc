// AVX2 without a dot product instruction: vpmaddubsw, where it cannot saturate.
#include "native/kernels/simd/avx2.h"

#include "native/kernels/dot/rowsum.h"
#include "native/kernels/dot/small.h"

namespace octavo {

void dot_u8s8i32_8x8c4_small_avx2(const DotArgs& args) { smallKernel<Avx2, 8, 1>(args); }

void rowsum_u8i32_avx2(const RowSumArgs& args) { rowSums<Avx2>(args); }

}  // namespace octavo
