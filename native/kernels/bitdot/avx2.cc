// AVX2 has no instruction that counts bits: a table in a register tells how many a half byte has.
// Counts stay in bytes for 31 words, each of which adds up to 8 to every byte.
#include <immintrin.h>

#include "native/kernels/bitdot/tile.h"

namespace octavo {
namespace {

struct Counter {
  using Vector = __m256i;
  static constexpr size_t kWords = 8;
  static constexpr size_t kMostWords = 31;
  static Vector zero() { return _mm256_setzero_si256(); }
  static Vector load(const uint32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const Vector*>(p));
  }
  static Vector broadcast(uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }
  static OCTAVO_INLINE void add(Vector& count, Vector a, Vector b) {
    const Vector table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const Vector half = _mm256_set1_epi8(15);
    const Vector bits = _mm256_xor_si256(a, b);
    const Vector low = _mm256_and_si256(bits, half);
    const Vector high = _mm256_and_si256(_mm256_srli_epi16(bits, 4), half);
    count = _mm256_add_epi8(count, _mm256_shuffle_epi8(table, low));
    count = _mm256_add_epi8(count, _mm256_shuffle_epi8(table, high));
  }
  static void store(uint32_t* to, Vector count, bool first) {
    const Vector pairs = _mm256_maddubs_epi16(count, _mm256_set1_epi8(1));
    Vector words = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    if (!first) words = _mm256_add_epi32(words, load(to));
    _mm256_storeu_si256(reinterpret_cast<Vector*>(to), words);
  }
};

}  // namespace

void bitdot_x16_avx2(const BitDotArgs& args) { bitDot<Counter, 4, 2>(args); }

}  // namespace octavo
