// AVX2: vpmaddubsw, exact because one operand has four bits.
#include "native/kernels/simd/avx2.h"

#include "native/kernels/nbits/tile.h"

namespace octavo {

void nbits_s8u4f32_x32_avx2(const NbitsArgs& args) {
  nbits<Avx2, PairNibbles<Avx2>, 1, 4, 3, 2>(args);
}

}  // namespace octavo
