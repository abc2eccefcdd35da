// SSE4.1: four channels to a vector.
#include "native/kernels/f32depthwise/pixels.h"
#include "native/kernels/simd/f32sse41.h"

namespace octavo {

void depthwise_f32_sse41(const FloatDepthwiseArgs& args) { depthwise<F32Sse41>(args); }

}  // namespace octavo
