// Without a dot product instruction, each product goes to an int16 of its own: at most 15 · 128 in
// magnitude, so that sixteen are added before they are widened.
#include "native/kernels/simd/neon.h"

#include "native/kernels/nbits/tile.h"

namespace octavo {
namespace {

struct WordNibbles {
  static constexpr int kQuads = 16;
  struct Sum {
    int16x8_t low, high;
  };
  static OCTAVO_INLINE Sum begin(Neon::Int) { return {vdupq_n_s16(0), vdupq_n_s16(0)}; }
  static OCTAVO_INLINE void accumulate(Sum& sum, Neon::Int u4, Neon::Int s8) {
    const int8x16_t a = Neon::s8(u4), b = Neon::s8(s8);
    sum.low = vmlal_s8(sum.low, vget_low_s8(a), vget_low_s8(b));
    sum.high = vmlal_high_s8(sum.high, a, b);
  }
  static OCTAVO_INLINE Neon::Int end(const Sum& sum, Neon::Int acc) {
    const int32x4_t both = vpaddq_s32(vpaddlq_s16(sum.low), vpaddlq_s16(sum.high));
    return Neon::from32(vaddq_s32(Neon::s32(acc), both));
  }
};

}  // namespace

void nbits_s8u4f32_x16_neon(const NbitsArgs& args) { nbits<Neon, WordNibbles, 1, 4, 4, 2>(args); }

}  // namespace octavo
