// AVX-512 without VPOPCNTDQ counts as ./avx2 does, in 512 bits.
#include <immintrin.h>

#include "native/kernels/bitdot/tile.h"

namespace octavo {
namespace {

struct Counter {
  using Vector = __m512i;
  static constexpr size_t kWords = 16;
  static constexpr size_t kMostWords = 31;
  static Vector zero() { return _mm512_setzero_si512(); }
  static Vector load(const uint32_t* p) { return _mm512_loadu_si512(p); }
  static Vector broadcast(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static OCTAVO_INLINE void add(Vector& count, Vector a, Vector b) {
    const Vector table = _mm512_set4_epi32(0x04030302, 0x03020201, 0x03020201, 0x02010100);
    const Vector half = _mm512_set1_epi8(15);
    const Vector bits = _mm512_xor_si512(a, b);
    const Vector low = _mm512_and_si512(bits, half);
    const Vector high = _mm512_and_si512(_mm512_srli_epi16(bits, 4), half);
    count = _mm512_add_epi8(count, _mm512_shuffle_epi8(table, low));
    count = _mm512_add_epi8(count, _mm512_shuffle_epi8(table, high));
  }
  static void store(uint32_t* to, Vector count, bool first) {
    const Vector pairs = _mm512_maddubs_epi16(count, _mm512_set1_epi8(1));
    Vector words = _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
    if (!first) words = _mm512_add_epi32(words, _mm512_loadu_si512(to));
    _mm512_storeu_si512(to, words);
  }
};

}  // namespace

void bitdot_x32_avx512bw(const BitDotArgs& args) { bitDot<Counter, 8, 2>(args); }

}  // namespace octavo
