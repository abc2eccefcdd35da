// NEON without a dot product instruction: products of int8 are int16, which are added in pairs.
#include "native/kernels/simd/neon.h"

#include "native/kernels/dot/rowsum.h"
#include "native/kernels/dot/tile.h"

namespace octavo {

using Any = NeonProduct<false>;
using Symmetric = NeonProduct<true>;

void dot_u8s8i32_4x8c4_neon(const DotArgs& args) { dotKernel<Neon, Any, 4, 2>(args); }
void dot_u8s8i32_4x16c4_neon(const DotArgs& args) { dotKernel<Neon, Any, 4, 4>(args); }
void dot_u8s8i32_4x8c4_symmetric_neon(const DotArgs& args) {
  dotKernel<Neon, Symmetric, 4, 2>(args);
}
void dot_u8s8i32_4x16c4_symmetric_neon(const DotArgs& args) {
  dotKernel<Neon, Symmetric, 4, 4>(args);
}

void rowsum_u8i32_neon(const RowSumArgs& args) { rowSums<Neon>(args); }

}  // namespace octavo
