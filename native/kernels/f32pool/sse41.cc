// SSE4.1.
#include "native/kernels/f32pool/average.h"
#include "native/kernels/simd/f32sse41.h"

namespace octavo {

void averagepool_f32_sse41(const AveragePoolArgs& args) { averagePool<F32Sse41>(args); }

}  // namespace octavo
