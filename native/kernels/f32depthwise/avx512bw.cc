// AVX-512: sixteen channels to a vector.
#include "native/kernels/f32depthwise/pixels.h"
#include "native/kernels/simd/f32avx512.h"

namespace octavo {

void depthwise_f32_avx512bw(const FloatDepthwiseArgs& args) { depthwise<F32Avx512>(args); }

}  // namespace octavo
