// The vocabulary in which kernel templates are written, for 128-bit registers of SSE4.1:
// kernels/simd/avx512.h tells what each word means. A register is one lane, so that what packing
// undoes is the natural order.
#pragma once

#include <smmintrin.h>

#include "native/kernels/simd/attributes.h"
#include "native/kernels/simd/avx128.h"

namespace octavo {
namespace {

struct Sse41 : Avx128 {
  static Int loadFirst(const void* p, size_t n) {
    // n bytes of ones, then as many of zeros as make a vector.
    alignas(16) static constexpr uint8_t kOnes[2 * kBytes] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    return _mm_and_si128(load(p), load(kOnes + kBytes - n));
  }
  static void stream(void* p, Int v) { _mm_stream_si128(static_cast<Int*>(p), v); }
  static void endStream() { _mm_sfence(); }
  static Int set32(int v) { return _mm_set1_epi32(v); }
  static Int broadcast4(const void* p) { return set32(word(p)); }
  static Int widenU8(const void* p) { return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(word(p))); }
  static Int widenS8(const void* p) { return _mm_cvtepi8_epi32(_mm_cvtsi32_si128(word(p))); }

  static Int add16(Int a, Int b) { return _mm_add_epi16(a, b); }
  static Int sub32(Int a, Int b) { return _mm_sub_epi32(a, b); }
  static Int mul32(Int a, Int b) { return _mm_mullo_epi32(a, b); }
  static Int maxS8(Int a, Int b) { return _mm_max_epi8(a, b); }
  static Int exclusiveOr(Int a, Int b) { return _mm_xor_si128(a, b); }
  static Int lowNibbles(Int v) { return _mm_and_si128(v, set8(15)); }
  static Int highNibbles(Int v) { return lowNibbles(_mm_srli_epi16(v, 4)); }
  static Int multiplyAddU8S8(Int u8, Int s8) { return _mm_maddubs_epi16(u8, s8); }
  static Int pack16(Int a, Int b) { return _mm_packs_epi16(a, b); }
  static Int unlace(Int v) { return v; }

  static void storeFloat(float* p, Float v) { _mm_storeu_ps(p, v); }
  static Int bits(Float v) { return _mm_castps_si128(v); }
  static Float fromBits(Int v) { return _mm_castsi128_ps(v); }
  static Float round(Float v) {
    return _mm_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Float add(Float a, Float b) { return _mm_add_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm_div_ps(a, b); }
  static Float max(Float a, Float b) { return _mm_max_ps(a, b); }
  static Float maxOrNan(Float a, Float b) {
    return _mm_blendv_ps(_mm_max_ps(a, b), a, _mm_cmpunord_ps(a, a));
  }

  static void sumBytes(Int& acc, Int bytes) { acc = add32(acc, _mm_sad_epu8(bytes, zero())); }
  static Int total(Int a, Int b, Int c, Int d) {
    const Int ab = _mm_hadd_epi32(a, b), cd = _mm_hadd_epi32(c, d);
    return _mm_hadd_epi32(ab, cd);
  }

  template <int words>
  static Int compact(Int v) {
    return v;
  }
  template <int words>
  static Int spread(Int v) {
    return v;
  }
  template <int words, int row>
  static Int compactRow(Int v) {
    return _mm_srli_si128(v, 4 * words * row);
  }
  // 4, 8, 12 or 16.
  template <int n>
  static void storeBytes(void* p, Int v) {
    auto* bytes = static_cast<uint8_t*>(p);
    if constexpr (n == 16) {
      store(p, v);
    } else {
      if constexpr (n >= 8) _mm_storel_epi64(reinterpret_cast<Int*>(bytes), v);
      if constexpr (n % 8 == 4) {
        const int last = _mm_extract_epi32(v, n / 4 - 1);
        memcpy(bytes + n - 4, &last, sizeof last);
      }
    }
  }

 private:
  static int word(const void* p) {
    int value;
    memcpy(&value, p, sizeof value);
    return value;
  }
};

}  // namespace
}  // namespace octavo
