#include "native/kernels/simd/avx2.h"

#include "native/kernels/pool/window.h"

namespace octavo {

void maxpool_u8_avx2(const MaxPoolArgs& args) { maxPool<MaxU8<Avx2>>(args); }
void maxpool_s8_avx2(const MaxPoolArgs& args) { maxPool<MaxS8<Avx2>>(args); }
void maxpool_f32_avx2(const MaxPoolArgs& args) { maxPool<MaxF32<Avx2>>(args); }
void averagepool_u8_avx2(const QAveragePoolArgs& args) { averagePool<Avx2>(args); }

}  // namespace octavo
