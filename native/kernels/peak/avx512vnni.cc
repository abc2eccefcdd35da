#include "native/kernels/peak/avxvnni.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {
namespace {

struct ByteProduct {
  using Vector = __m512i;
  static constexpr int kAccumulators = 24;
  static constexpr bool kDistinct = false;
  static __m512i accumulate(__m512i acc, __m512i a, __m512i b) {
    Avx512::dot(acc, a, b);
    return acc;
  }
};

struct WordProduct {
  using Vector = __m512i;
  static constexpr int kAccumulators = 24;
  static constexpr bool kDistinct = false;
  static __m512i accumulate(__m512i acc, __m512i a, __m512i b) {
    return _mm512_dpwssd_epi32(acc, a, b);
  }
};

}  // namespace

void peak_u8s8s32_avx512vnni(const PeakArgs& args) { peakLoop<ByteProduct>(args); }
void peak_s16s16s32_avx512vnni(const PeakArgs& args) { peakLoop<WordProduct>(args); }

void peak_u8s8s32_avxvnni_evex(const PeakArgs& args) { peakLoop<ByteProduct256>(args); }

}  // namespace octavo
