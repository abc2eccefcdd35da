#include "native/kernels/pool/window.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {

void maxpool_u8_avx512bw(const MaxPoolArgs& args) { maxPool<MaxU8<Avx512>>(args); }
void maxpool_s8_avx512bw(const MaxPoolArgs& args) { maxPool<MaxS8<Avx512>>(args); }
void maxpool_f32_avx512bw(const MaxPoolArgs& args) { maxPool<MaxF32<Avx512>>(args); }
void averagepool_u8_avx512bw(const QAveragePoolArgs& args) { averagePool<Avx512>(args); }

}  // namespace octavo
