#include "native/kernels/simd/sse41.h"

#include "native/kernels/pool/window.h"

namespace octavo {

void maxpool_u8_sse41(const MaxPoolArgs& args) { maxPool<MaxU8<Sse41>>(args); }
void maxpool_s8_sse41(const MaxPoolArgs& args) { maxPool<MaxS8<Sse41>>(args); }
void maxpool_f32_sse41(const MaxPoolArgs& args) { maxPool<MaxF32<Sse41>>(args); }
void averagepool_u8_sse41(const QAveragePoolArgs& args) { averagePool<Sse41>(args); }

}  // namespace octavo
