#include <immintrin.h>

#include "native/kernels/peak/loop.h"

namespace octavo {
namespace {

struct PairProduct {
  using Vector = __m512;
  static constexpr int kAccumulators = 24;
  static constexpr bool kDistinct = false;
  static __m512 accumulate(__m512 acc, __m512 a, __m512 b) {
    // What type this is differs between compilers, and so do the casts to it.
    return _mm512_dpbf16_ps(acc, reinterpret_cast<const __m512bh&>(a),
                            reinterpret_cast<const __m512bh&>(b));
  }
};

}  // namespace

void peak_bf16_avx512bf16(const PeakArgs& args) { peakLoop<PairProduct>(args); }

}  // namespace octavo
