#include "native/kernels/simd/avx2.h"

#include "native/kernels/elementwise/combine.h"

namespace octavo {

void qadd_u8u8u8_avx2(const QBinaryArgs& args) { combine<Add<Avx2>>(args); }
void qmul_u8u8u8_avx2(const QBinaryArgs& args) { combine<Multiply<Avx2>>(args); }

}  // namespace octavo
