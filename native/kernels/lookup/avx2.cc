#include "native/kernels/simd/avx2.h"

#include "native/kernels/lookup/shuffle.h"

namespace octavo {

void lookup_u8u8_avx2(const LookupArgs& args) { lookup<Avx2>(args); }

}  // namespace octavo
