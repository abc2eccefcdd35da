#include "native/kernels/simd/sse41.h"

#include "native/kernels/elementwise/combine.h"

namespace octavo {

void qadd_u8u8u8_sse41(const QBinaryArgs& args) { combine<Add<Sse41>>(args); }
void qmul_u8u8u8_sse41(const QBinaryArgs& args) { combine<Multiply<Sse41>>(args); }

}  // namespace octavo
