// Four channels to a vector.
#include "native/kernels/f32depthwise/pixels.h"
#include "native/kernels/simd/f32neon.h"

namespace octavo {

void depthwise_f32_neon(const FloatDepthwiseArgs& args) { depthwise<F32Neon>(args); }

}  // namespace octavo
