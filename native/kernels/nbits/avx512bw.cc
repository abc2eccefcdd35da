// AVX-512 without VNNI: vpmaddubsw on 512 bits, exact because one operand has four bits.
#include "native/kernels/nbits/tile.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {

void nbits_s8u4f32_x64_avx512bw(const NbitsArgs& args) {
  nbits<Avx512, PairNibbles<Avx512>, 2, 4, 6, 2>(args);
}

}  // namespace octavo
