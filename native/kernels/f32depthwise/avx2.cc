// AVX2 with FMA: eight channels to a vector.
#include "native/kernels/f32depthwise/pairs.h"
#include "native/kernels/simd/f32avx2.h"

namespace octavo {

void depthwise_f32_avx2(const FloatDepthwiseArgs& args) {
  if (!depthwiseAsPairs<F32Avx2>(args)) depthwise<F32Avx2>(args);
}

}  // namespace octavo
