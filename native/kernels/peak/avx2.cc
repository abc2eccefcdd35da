// Without a dot product instruction, a product of bytes is three instructions (and not exact: they
// saturate), one of int16 two.
#include <immintrin.h>

#include "native/kernels/peak/loop.h"

namespace octavo {
namespace {

struct ByteProduct {
  using Vector = __m256i;
  static constexpr int kAccumulators = 8;
  static constexpr bool kDistinct = true;
  static __m256i accumulate(__m256i acc, __m256i a, __m256i b) {
    const __m256i pairs = _mm256_maddubs_epi16(b, a);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

struct WordProduct {
  using Vector = __m256i;
  static constexpr int kAccumulators = 12;
  static constexpr bool kDistinct = true;
  static __m256i accumulate(__m256i acc, __m256i a, __m256i b) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(b, a));
  }
};

struct FloatProduct {
  using Vector = __m256;
  static constexpr int kAccumulators = 12;
  static constexpr bool kDistinct = false;
  static __m256 accumulate(__m256 acc, __m256 a, __m256 b) { return _mm256_fmadd_ps(a, b, acc); }
};

}  // namespace

void peak_u8s8s32_avx2(const PeakArgs& args) { peakLoop<ByteProduct>(args); }
void peak_s16s16s32_avx2(const PeakArgs& args) { peakLoop<WordProduct>(args); }
void peak_f32_avx2(const PeakArgs& args) { peakLoop<FloatProduct>(args); }

}  // namespace octavo
