#include "native/kernels/simd/neon.h"

#include "native/kernels/elementwise/combine.h"

namespace octavo {

void qadd_u8u8u8_neon(const QBinaryArgs& args) { combine<Add<Neon>>(args); }
void qmul_u8u8u8_neon(const QBinaryArgs& args) { combine<Multiply<Neon>>(args); }

}  // namespace octavo
