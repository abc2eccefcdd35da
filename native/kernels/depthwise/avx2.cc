// Wide weights: vpmaddwd adds two int16 products, exact for any u8 and any weight less its zero
// point.
#include "native/kernels/simd/avx2.h"

#include "native/kernels/depthwise/block.h"
#include "native/kernels/simd/avx128.h"

namespace octavo {
namespace {

template <typename V>
struct WideProduct {
  struct Left {
    typename V::Int even, odd;
  };
  using Right = const int8_t*;
  static constexpr int kWeightBytes = 2 * V::kBytes;
  static OCTAVO_INLINE Left left(typename V::Int u8) { return {V::evenBytes(u8), V::oddBytes(u8)}; }
  static OCTAVO_INLINE Right right(const int8_t* weights) { return weights; }
  static OCTAVO_INLINE void accumulate(typename V::Int& acc, const Left& a, Right w) {
    acc = V::add32(acc, V::multiplyAdd16(a.even, V::load(w)));
    acc = V::add32(acc, V::multiplyAdd16(a.odd, V::load(w + V::kBytes)));
  }
};

using Wide16 = WideProduct<Avx128>;
using Wide32 = WideProduct<Avx2>;

}  // namespace

void depthwise_u8s8u8_16c_avx2(const DepthwiseArgs& args) {
  depthwiseTaps<Avx128, Wide16, 1>(args);
}
void depthwise_u8s8u8_32c_avx2(const DepthwiseArgs& args) { depthwiseTaps<Avx2, Wide32, 1>(args); }
void depthwise_u8s8u8_16c_rows_avx2(const DepthwiseArgs& args) {
  depthwiseRows<Avx128, Wide16, 2>(args);
}
void depthwise_u8s8u8_32c_rows_avx2(const DepthwiseArgs& args) {
  depthwiseRows<Avx2, Wide32, 2>(args);
}

}  // namespace octavo
