// Wide weights: exact for any u8 and any weight less its zero point.
#include "native/kernels/simd/neon.h"

#include "native/kernels/depthwise/rows.h"

namespace octavo {
namespace {

struct WideProduct {
  struct Left {
    Neon::Int even, odd;
  };
  using Right = const int8_t*;
  static constexpr int kWeightBytes = 2 * Neon::kBytes;
  static OCTAVO_INLINE Left left(Neon::Int u8) { return {Neon::evenBytes(u8), Neon::oddBytes(u8)}; }
  static OCTAVO_INLINE Right right(const int8_t* weights) { return weights; }
  static OCTAVO_INLINE void accumulate(Neon::Int& acc, const Left& a, Right w) {
    const int16x8_t even = Neon::s16(Neon::load(w)), odd = Neon::s16(Neon::load(w + Neon::kBytes));
    int32x4_t low = vmull_s16(vget_low_s16(Neon::s16(a.even)), vget_low_s16(even));
    int32x4_t high = vmull_high_s16(Neon::s16(a.even), even);
    low = vmlal_s16(low, vget_low_s16(Neon::s16(a.odd)), vget_low_s16(odd));
    high = vmlal_high_s16(high, Neon::s16(a.odd), odd);
    Neon::addTo(acc, vpaddq_s32(low, high));
  }
};

}  // namespace

void depthwise_u8s8u8_16c_neon(const DepthwiseArgs& args) {
  depthwiseTaps<Neon, WideProduct, 1>(args);
}
void depthwise_u8s8u8_16c_rows_neon(const DepthwiseArgs& args) {
  depthwiseRows<Neon, Neon, WideProduct, 2>(args);
}

}  // namespace octavo
