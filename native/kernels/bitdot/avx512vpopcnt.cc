// AVX512-VPOPCNTDQ: xor, count and add, for 512 products of bits.
#include <immintrin.h>

#include "native/kernels/bitdot/tile.h"

namespace octavo {
namespace {

struct Counter {
  using Vector = __m512i;
  static constexpr size_t kWords = 16;
  static constexpr size_t kMostWords = SIZE_MAX;
  static Vector zero() { return _mm512_setzero_si512(); }
  static Vector load(const uint32_t* p) { return _mm512_loadu_si512(p); }
  static Vector broadcast(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static OCTAVO_INLINE void add(Vector& count, Vector a, Vector b) {
    count = _mm512_add_epi32(count, _mm512_popcnt_epi32(_mm512_xor_si512(a, b)));
  }
  static void store(uint32_t* to, Vector count, bool) { _mm512_storeu_si512(to, count); }
};

}  // namespace

void bitdot_x32_avx512vpopcnt(const BitDotArgs& args) { bitDot<Counter, 12, 2>(args); }

}  // namespace octavo
