#include "native/kernels/f32elementwise/map.h"
#include "native/kernels/simd/f32neon.h"

namespace octavo {

void unary_f32_neon(const UnaryArgs& args) { unary<F32Neon>(args); }
void binary_f32_neon(const BinaryArgs& args) { binary<F32Neon>(args); }

}  // namespace octavo
