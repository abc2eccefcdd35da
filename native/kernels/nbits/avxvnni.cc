// AVX-VNNI: 256-bit vpdpbusd and 16 registers.
#include "native/kernels/nbits/tile.h"
#include "native/kernels/simd/avx2.h"

namespace octavo {

void nbits_s8u4f32_x32_avxvnni(const NbitsArgs& args) {
  nbits<AvxVnni, DotNibbles<AvxVnni>, 1, 4, 6, 2>(args);
}

}  // namespace octavo
