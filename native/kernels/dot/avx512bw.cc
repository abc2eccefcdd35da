// AVX-512 without a dot product instruction, in the forms of avx2.cc. There is no vpsignb on 512
// bits: a mask of the negative bytes takes their weights from 0.
#include "native/kernels/dot/rowsum.h"
#include "native/kernels/dot/tile.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {
namespace {

struct ShiftedProduct {
  struct Left {
    __m512i magnitude;
    __mmask64 negative;
  };
  using Right = __m512i;
  static OCTAVO_INLINE Left left(__m512i u8) {
    const __m512i shifted = Avx512::exclusiveOr(u8, Avx512::set8(-128));
    return {_mm512_abs_epi8(shifted), _mm512_movepi8_mask(shifted)};
  }
  static OCTAVO_INLINE Right right(const int8_t* w) { return Avx512::load(w); }
  static OCTAVO_INLINE void accumulate(__m512i& acc, const Left& a, Right w) {
    const __m512i sign = _mm512_mask_sub_epi8(w, a.negative, Avx512::zero(), w);
    const __m512i pairs = _mm512_maddubs_epi16(a.magnitude, sign);
    acc = Avx512::add32(acc, Avx512::multiplyAdd16(pairs, Avx512::set16(1)));
  }
};

struct WideProduct {
  struct Left {
    __m512i even, odd;
  };
  using Right = Left;
  static OCTAVO_INLINE Left left(__m512i u8) {
    return {Avx512::evenBytes(u8), Avx512::oddBytes(u8)};
  }
  static OCTAVO_INLINE Right right(const int8_t* w) {
    const __m512i bytes = Avx512::load(w);
    return {_mm512_srai_epi16(_mm512_slli_epi16(bytes, 8), 8), _mm512_srai_epi16(bytes, 8)};
  }
  static OCTAVO_INLINE void accumulate(__m512i& acc, const Left& a, const Right& w) {
    acc = Avx512::add32(acc, Avx512::multiplyAdd16(a.even, w.even));
    acc = Avx512::add32(acc, Avx512::multiplyAdd16(a.odd, w.odd));
  }
};

}  // namespace

void dot_u8s8i32_8x16c4_symmetric_avx512bw(const DotArgs& args) {
  dotKernel<Avx512, ShiftedProduct, 8, 1>(args);
}
void dot_u8s8i32_8x32c4_symmetric_avx512bw(const DotArgs& args) {
  dotKernel<Avx512, ShiftedProduct, 8, 2>(args);
}
void dot_u8s8i32_6x48c4_symmetric_avx512bw(const DotArgs& args) {
  dotKernel<Avx512, ShiftedProduct, 6, 3>(args);
}
void dot_u8s8i32_8x16c4_avx512bw(const DotArgs& args) {
  dotKernel<Avx512, WideProduct, 8, 1>(args);
}
void dot_u8s8i32_8x32c4_avx512bw(const DotArgs& args) {
  dotKernel<Avx512, WideProduct, 8, 2>(args);
}

void rowsum_u8i32_avx512bw(const RowSumArgs& args) { rowSums<Avx512>(args); }

}  // namespace octavo
