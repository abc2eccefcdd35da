// SSE4.1: vpmaddubsw on 128 bits, with the panels of the portable kernel.
#include "native/kernels/simd/sse41.h"

#include "native/kernels/nbits/tile.h"

namespace octavo {

void nbits_s8u4f32_x16_sse41(const NbitsArgs& args) {
  nbits<Sse41, PairNibbles<Sse41>, 1, 4, 3, 2>(args);
}

}  // namespace octavo
