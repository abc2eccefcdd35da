// The vocabulary in which kernel templates are written, for 256-bit registers:
// kernels/simd/avx512.h tells what each word means. AvxVnni adds the dot product, in VEX or in EVEX
// encoding as the including file is compiled.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "native/kernels/simd/copy.h"

namespace octavo {
namespace {

struct Avx2 {
  using Int = __m256i;
  using Float = __m256;
  using Int128 = __m128i;
  static constexpr int kLanes = 2;
  static constexpr int kBytes = 32;
  static constexpr int kWords = 8;
  static constexpr int kRegisters = 16;

  static Int load(const void* p) { return _mm256_loadu_si256(static_cast<const Int*>(p)); }
  static void store(void* p, Int v) { _mm256_storeu_si256(static_cast<Int*>(p), v); }
  static Int loadFirst(const void* p, size_t n) {
    // n bytes of ones, then as many of zeros as make a vector.
    alignas(32) static constexpr uint8_t kOnes[2 * kBytes] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    return _mm256_and_si256(load(p), load(kOnes + kBytes - n));
  }
  static void storeFirst(void* p, Int v, size_t n) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    _mm256_mask_storeu_epi8(p, static_cast<__mmask32>((uint64_t{1} << n) - 1), v);
#else
    alignas(32) uint8_t bytes[kBytes];
    store(bytes, v);
    copyFirst<kBytes>(p, bytes, n);
#endif
  }

  static void stream(void* p, Int v) { _mm256_stream_si256(static_cast<Int*>(p), v); }
  static void endStream() { _mm_sfence(); }

  static Int zero() { return _mm256_setzero_si256(); }
  static Int set8(int v) { return _mm256_set1_epi8(static_cast<char>(v)); }
  static Int set16(int v) { return _mm256_set1_epi16(static_cast<short>(v)); }
  static Int set32(int v) { return _mm256_set1_epi32(v); }
  static Int broadcast4(const void* p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm256_set1_epi32(word);
  }

  static Int widenU8(const void* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  }
  static Int widenS8(const void* p) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  }

  static Int add16(Int a, Int b) { return _mm256_add_epi16(a, b); }
  static Int add32(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int sub32(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int mul32(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static Int addSaturated16(Int a, Int b) { return _mm256_adds_epi16(a, b); }
  static Int minU8(Int a, Int b) { return _mm256_min_epu8(a, b); }
  static Int maxU8(Int a, Int b) { return _mm256_max_epu8(a, b); }
  static Int maxS8(Int a, Int b) { return _mm256_max_epi8(a, b); }
  static Int addSaturatedU8(Int a, Int b) { return _mm256_adds_epu8(a, b); }
  static Int bitOr(Int a, Int b) { return _mm256_or_si256(a, b); }
  static Int shuffle8(Int table, Int indexes) { return _mm256_shuffle_epi8(table, indexes); }
  static Int broadcastLane(const void* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static Int exclusiveOr(Int a, Int b) { return _mm256_xor_si256(a, b); }
  static bool isZero(Int v) { return _mm256_testz_si256(v, v) != 0; }
  static Int lowNibbles(Int v) { return _mm256_and_si256(v, set8(15)); }
  static Int highNibbles(Int v) { return lowNibbles(_mm256_srli_epi16(v, 4)); }

  // Saturating: int32 to int16, int16 to int8 or uint8; per lane first a, then b.
  static Int pack32(Int a, Int b) { return _mm256_packs_epi32(a, b); }
  static Int pack16(Int a, Int b) { return _mm256_packs_epi16(a, b); }
  static Int pack16Unsigned(Int a, Int b) { return _mm256_packus_epi16(a, b); }
  static Int unpackLow8(Int a, Int b) { return _mm256_unpacklo_epi8(a, b); }
  static Int unpackHigh8(Int a, Int b) { return _mm256_unpackhi_epi8(a, b); }
  static Int unpackLow16(Int a, Int b) { return _mm256_unpacklo_epi16(a, b); }
  static Int unpackHigh16(Int a, Int b) { return _mm256_unpackhi_epi16(a, b); }
  static Int unlace(Int v) {
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }

  static Float setFloat(float v) { return _mm256_set1_ps(v); }
  static Float loadFloat(const float* p) { return _mm256_loadu_ps(p); }
  static void storeFloat(float* p, Float v) { _mm256_storeu_ps(p, v); }
  static Float toFloat(Int v) { return _mm256_cvtepi32_ps(v); }
  static Int toInt(Float v) { return _mm256_cvtps_epi32(v); }  // rounds half to even
  static Float round(Float v) {
    return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static Int bits(Float v) { return _mm256_castps_si256(v); }
  static Float fromBits(Int v) { return _mm256_castsi256_ps(v); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm256_div_ps(a, b); }
  // a < b ? a : b and a > b ? a : b: b where one of them is NaN.
  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float maxOrNan(Float a, Float b) {
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  }

  // Even bytes and odd bytes as words, and the sums of products of neighbouring words.
  static Int evenBytes(Int u8) { return _mm256_and_si256(u8, set16(0x00ff)); }
  static Int oddBytes(Int u8) { return _mm256_srli_epi16(u8, 8); }
  static Int multiplyAdd16(Int a, Int b) { return _mm256_madd_epi16(a, b); }
  // Sums of products of neighbouring bytes, saturated.
  static Int multiplyAddU8S8(Int u8, Int s8) { return _mm256_maddubs_epi16(u8, s8); }

  static void sumBytes(Int& acc, Int bytes) { acc = add32(acc, _mm256_sad_epu8(bytes, zero())); }
  static __m128i total(Int a, Int b, Int c, Int d) {
    const Int ab = add32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    const Int cd = add32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    const Int all = add32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  }

  template <int words>
  static Int compact(Int v) {
    if constexpr (words == 1) {
      return unlace(v);
    } else if constexpr (words == 2) {
      return _mm256_permute4x64_epi64(v, 0xd8);
    } else if constexpr (words == 3) {
      return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 0, 0));
    } else {
      return v;
    }
  }
  // Undoes compact<words> for one row.
  template <int words>
  static Int spread(Int v) {
    if constexpr (words == 1) {
      return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
    } else if constexpr (words == 2) {
      return _mm256_permute4x64_epi64(v, 0x50);
    } else if constexpr (words == 3) {
      return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5));
    } else {
      return v;
    }
  }
  template <int words, int row>
  static Int compactRow(Int v) {
    if constexpr (row == 0) {
      return v;
    } else if constexpr (words == 2) {
      return _mm256_castsi128_si256(_mm256_extracti128_si256(v, row));
    } else {
      return _mm256_permute4x64_epi64(v, row);
    }
  }
  // Eight bytes of each of four rows, each lane in the order that pack16 leaves of rows of one
  // vector.
  static Int loadFour(const uint8_t* const* rows, ptrdiff_t offset) {
    const auto two = [&](int row) {
      const auto* first = reinterpret_cast<const Int128*>(rows[row] + offset);
      const auto* second = reinterpret_cast<const double*>(rows[row + 1] + offset);
      return _mm_castpd_ps(_mm_loadh_pd(_mm_castsi128_pd(_mm_loadl_epi64(first)), second));
    };
    const __m128 a = two(0), b = two(2);
    return _mm256_set_m128i(_mm_castps_si128(_mm_shuffle_ps(a, b, 0xdd)),
                            _mm_castps_si128(_mm_shuffle_ps(a, b, 0x88)));
  }
  static void storeFour(uint8_t* const* rows, Int v) {
    const auto two = [&](int row, Int128 bytes) {
      _mm_storel_epi64(reinterpret_cast<Int128*>(rows[row]), bytes);
      _mm_storeh_pd(reinterpret_cast<double*>(rows[row + 1]), _mm_castsi128_pd(bytes));
    };
    const Int128 low = _mm256_castsi256_si128(v), high = _mm256_extracti128_si256(v, 1);
    two(0, _mm_unpacklo_epi32(low, high));
    two(2, _mm_unpackhi_epi32(low, high));
  }
  // 8, 16, 24 or 32.
  template <int n>
  static void storeBytes(void* p, Int v) {
    auto* bytes = static_cast<uint8_t*>(p);
    if constexpr (n == 32) {
      store(p, v);
    } else if constexpr (n == 8) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(bytes), _mm256_castsi256_si128(v));
    } else {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm256_castsi256_si128(v));
      if constexpr (n == 24) {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(bytes + 16), _mm256_extracti128_si256(v, 1));
      }
    }
  }
};

#if defined(__AVXVNNI__) || defined(__AVX512VNNI__) || defined(_MSC_VER)
struct AvxVnni : Avx2 {
#if defined(__GNUC__)
#if defined(__AVX512VNNI__)
#define OCTAVO_VPDPBUSD "vpdpbusd %2, %1, %0"
#define OCTAVO_VPDPWSSD "vpdpwssd %2, %1, %0"
#define OCTAVO_REGISTER "v"
#else
#define OCTAVO_VPDPBUSD "%{vex%} vpdpbusd %2, %1, %0"
#define OCTAVO_VPDPWSSD "%{vex%} vpdpwssd %2, %1, %0"
#define OCTAVO_REGISTER "x"
#endif
  static void dot(Int& acc, Int u8, Int s8) {
    asm(OCTAVO_VPDPBUSD : "+" OCTAVO_REGISTER(acc) : OCTAVO_REGISTER(u8), OCTAVO_REGISTER(s8));
  }
  static void dot16(Int& acc, Int a, Int b) {
    asm(OCTAVO_VPDPWSSD : "+" OCTAVO_REGISTER(acc) : OCTAVO_REGISTER(a), OCTAVO_REGISTER(b));
  }
#undef OCTAVO_VPDPBUSD
#undef OCTAVO_VPDPWSSD
#undef OCTAVO_REGISTER
#elif defined(__AVX512F__)
  static void dot(Int& acc, Int u8, Int s8) { acc = _mm256_dpbusd_epi32(acc, u8, s8); }
  static void dot16(Int& acc, Int a, Int b) { acc = _mm256_dpwssd_epi32(acc, a, b); }
#else
  static void dot(Int& acc, Int u8, Int s8) { acc = _mm256_dpbusd_avx_epi32(acc, u8, s8); }
  static void dot16(Int& acc, Int a, Int b) { acc = _mm256_dpwssd_avx_epi32(acc, a, b); }
#endif
};
#endif

}  // namespace
}  // namespace octavo
