#include "native/kernels/elementwise/combine.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {

void qadd_u8u8u8_avx512bw(const QBinaryArgs& args) { combine<Add<Avx512>>(args); }
void qmul_u8u8u8_avx512bw(const QBinaryArgs& args) { combine<Multiply<Avx512>>(args); }

}  // namespace octavo
