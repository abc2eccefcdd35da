#include "native/kernels/lookup/shuffle.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {

void lookup_u8u8_avx512bw(const LookupArgs& args) { lookup<Avx512>(args); }

}  // namespace octavo
