// avx2.cc on 128 bits.
#include "native/kernels/simd/sse41.h"

#include "native/kernels/dot/rowsum.h"
#include "native/kernels/dot/small.h"

namespace octavo {

void dot_u8s8i32_4x8c4_small_sse41(const DotArgs& args) { smallKernel<Sse41, 4, 2>(args); }

void rowsum_u8i32_sse41(const RowSumArgs& args) { rowSums<Sse41>(args); }

}  // namespace octavo
