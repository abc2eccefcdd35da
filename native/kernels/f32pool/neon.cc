#include "native/kernels/f32pool/average.h"
#include "native/kernels/simd/f32neon.h"

namespace octavo {

void averagepool_f32_neon(const AveragePoolArgs& args) { averagePool<F32Neon>(args); }

}  // namespace octavo
