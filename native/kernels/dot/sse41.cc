// The forms of avx2.cc on 128 bits.
#include "native/kernels/simd/sse41.h"

#include "native/kernels/dot/mixed.h"
#include "native/kernels/dot/rowsum.h"

namespace octavo {
namespace {

struct ShiftedProduct {
  struct Left {
    __m128i magnitude, sign;
  };
  using Right = __m128i;
  static OCTAVO_INLINE Left left(__m128i u8) {
    const __m128i shifted = Sse41::exclusiveOr(u8, Sse41::set8(-128));
    return {_mm_abs_epi8(shifted), shifted};
  }
  static OCTAVO_INLINE Right right(const int8_t* w) { return Sse41::load(w); }
  static OCTAVO_INLINE void accumulate(__m128i& acc, const Left& a, Right w) {
    const __m128i pairs = _mm_maddubs_epi16(a.magnitude, _mm_sign_epi8(w, a.sign));
    acc = Sse41::add32(acc, Sse41::multiplyAdd16(pairs, Sse41::set16(1)));
  }
};

struct WideProduct {
  struct Left {
    __m128i even, odd;
  };
  using Right = Left;
  static OCTAVO_INLINE Left left(__m128i u8) { return {Sse41::evenBytes(u8), Sse41::oddBytes(u8)}; }
  static OCTAVO_INLINE Right right(const int8_t* w) {
    const __m128i bytes = Sse41::load(w);
    return {_mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8), _mm_srai_epi16(bytes, 8)};
  }
  static OCTAVO_INLINE void accumulate(__m128i& acc, const Left& a, const Right& w) {
    acc = Sse41::add32(acc, Sse41::multiplyAdd16(a.even, w.even));
    acc = Sse41::add32(acc, Sse41::multiplyAdd16(a.odd, w.odd));
  }
};

}  // namespace

void dot_u8s8i32_4x8c4_sse41(const DotArgs& args) { dotKernel<Sse41, WideProduct, 4, 2>(args); }
void dot_u8s8i32_4x8c4_mixed_sse41(const DotArgs& args) {
  mixedKernel<Sse41, ShiftedProduct, 4, 2>(args);
}

void rowsum_u8i32_sse41(const RowSumArgs& args) { rowSums<Sse41>(args); }

}  // namespace octavo
