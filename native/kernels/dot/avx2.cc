// AVX2 without a dot product instruction, exact all the same.
//
// Small: u8 · s8 products of vpmaddubsw saturate, but not where weights are small.
// Shifted: |a - 128| <= 128 times a weight of at most 127 never does, not even as a pair: 2 · 128 ·
// 127 = 32512. vpsignb moves the sign to the weight.
// Wide: both widened to int16, for weights that include -128.
#include "native/kernels/simd/avx2.h"

#include "native/kernels/dot/mixed.h"
#include "native/kernels/dot/rowsum.h"

namespace octavo {
namespace {

struct ShiftedProduct {
  struct Left {
    __m256i magnitude, sign;
  };
  using Right = __m256i;
  static Left left(__m256i u8) {
    const __m256i shifted = Avx2::exclusiveOr(u8, Avx2::set8(-128));
    return {_mm256_abs_epi8(shifted), shifted};
  }
  static Right right(const int8_t* w) { return Avx2::load(w); }
  static void accumulate(__m256i& acc, const Left& a, Right w) {
    const __m256i pairs = _mm256_maddubs_epi16(a.magnitude, _mm256_sign_epi8(w, a.sign));
    acc = Avx2::add32(acc, _mm256_madd_epi16(pairs, Avx2::set16(1)));
  }
};

struct WideProduct {
  struct Left {
    __m256i even, odd;
  };
  using Right = Left;
  static Left left(__m256i u8) {
    return {_mm256_and_si256(u8, Avx2::set16(0x00ff)), _mm256_srli_epi16(u8, 8)};
  }
  static Right right(const int8_t* w) {
    const __m256i bytes = Avx2::load(w);
    return {_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
  }
  static void accumulate(__m256i& acc, const Left& a, const Right& w) {
    acc = Avx2::add32(acc, _mm256_madd_epi16(a.even, w.even));
    acc = Avx2::add32(acc, _mm256_madd_epi16(a.odd, w.odd));
  }
};

template <int MR, int NV>
inline void mixed(const DotArgs& args) {
  mixedKernel<Avx2, ShiftedProduct, MR, NV>(args);
}

}  // namespace

void dot_u8s8i32_4x8c4_mixed_avx2(const DotArgs& args) { mixed<4, 1>(args); }
void dot_u8s8i32_4x16c4_mixed_avx2(const DotArgs& args) { mixed<4, 2>(args); }
void dot_u8s8i32_3x24c4_mixed_avx2(const DotArgs& args) { mixed<3, 3>(args); }
void dot_u8s8i32_4x8c4_avx2(const DotArgs& args) { dotKernel<Avx2, WideProduct, 4, 1>(args); }
void dot_u8s8i32_4x16c4_avx2(const DotArgs& args) { dotKernel<Avx2, WideProduct, 4, 2>(args); }

void rowsum_u8i32_avx2(const RowSumArgs& args) { rowSums<Avx2>(args); }

}  // namespace octavo
