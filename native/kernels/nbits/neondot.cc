// SDOT: four bits are a positive int8.
#include "native/kernels/nbits/tile.h"
#include "native/kernels/simd/neon.h"

namespace octavo {
namespace {

struct NeonDot : Neon {
  static OCTAVO_INLINE void dot(Int& acc, Int u4, Int s8) {
    NeonDotProduct::accumulate(acc, Neon::s8(u4), Neon::s8(s8));
  }
};

}  // namespace

void nbits_s8u4f32_x16_neondot(const NbitsArgs& args) {
  nbits<NeonDot, DotNibbles<NeonDot>, 2, 4, 4, 4>(args);
}

}  // namespace octavo
