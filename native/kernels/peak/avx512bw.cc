// Without a dot product instruction: see avx2.cc. Floats are here because they need no more than
// AVX-512.
#include <immintrin.h>

#include "native/kernels/peak/loop.h"

namespace octavo {
namespace {

struct ByteProduct {
  using Vector = __m512i;
  static constexpr int kAccumulators = 16;
  static constexpr bool kDistinct = true;
  static __m512i accumulate(__m512i acc, __m512i a, __m512i b) {
    const __m512i pairs = _mm512_maddubs_epi16(b, a);
    return _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
};

struct FloatProduct {
  using Vector = __m512;
  static constexpr int kAccumulators = 24;
  static constexpr bool kDistinct = false;
  static __m512 accumulate(__m512 acc, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, acc); }
};

}  // namespace

void peak_u8s8s32_avx512bw(const PeakArgs& args) { peakLoop<ByteProduct>(args); }
void peak_f32_avx512bw(const PeakArgs& args) { peakLoop<FloatProduct>(args); }

}  // namespace octavo
