// SSE4.1.
#include "native/kernels/f32elementwise/map.h"
#include "native/kernels/simd/f32sse41.h"

namespace octavo {

void unary_f32_sse41(const UnaryArgs& args) { unary<F32Sse41>(args); }
void binary_f32_sse41(const BinaryArgs& args) { binary<F32Sse41>(args); }

}  // namespace octavo
