// AVX512-VNNI: vpdpbusd on 512 bits. Three rows of four vectors keep 12 accumulators and as many
// sums in registers; a tile of six by four keeps 24 accumulators.
#include "native/kernels/nbits/tile.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {

void nbits_s8u4f32_x64_avx512vnni(const NbitsArgs& args) {
  nbits<Avx512, DotNibbles<Avx512>, 3, 4, 6, 4>(args);
}

}  // namespace octavo
