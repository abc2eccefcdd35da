#include "native/kernels/simd/neon.h"

#include "native/kernels/pool/window.h"

namespace octavo {

void maxpool_u8_neon(const MaxPoolArgs& args) { maxPool<MaxU8<Neon>>(args); }
void maxpool_s8_neon(const MaxPoolArgs& args) { maxPool<MaxS8<Neon>>(args); }
void maxpool_f32_neon(const MaxPoolArgs& args) { maxPool<MaxF32<Neon>>(args); }
void averagepool_u8_neon(const QAveragePoolArgs& args) { averagePool<Neon>(args); }

}  // namespace octavo
