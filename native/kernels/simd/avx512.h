// The vocabulary in which kernel templates are written, for 512-bit registers; the dot product is
// there where the including file is compiled for AVX512-VNNI. All of it is local to that file: a
// copy compiled for AVX-512 must never be the one the linker keeps for other code.
//
// A vector has kLanes lanes of 128 bits, of kRegisters there are; packs and unpacks stay within a
// lane. Int holds bytes,
// words or int32, as the operation says.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace octavo {
namespace {

struct Avx512 {
  using Int = __m512i;
  using Float = __m512;
  static constexpr int kLanes = 4;
  static constexpr int kBytes = 64;
  static constexpr int kWords = 16;
  static constexpr int kRegisters = 32;

  static Int load(const void* p) { return _mm512_loadu_si512(p); }
  static void store(void* p, Int v) { _mm512_storeu_si512(p, v); }
  // The first n bytes, 0 <= n < kBytes; the rest of the vector is 0. May read them all.
  static Int loadFirst(const void* p, size_t n) { return _mm512_maskz_loadu_epi8(mask(n), p); }
  static void storeFirst(void* p, Int v, size_t n) { _mm512_mask_storeu_epi8(p, mask(n), v); }

  // A vector made of parts of n bytes, 64, 32 or 16, that lie apart.
  template <int n>
  static Int loadParts(const uint8_t* const* parts) {
    const auto whole = [&](int i) { return reinterpret_cast<const __m256i*>(parts[i]); };
    const auto quarter = [&](int i) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(parts[i]));
    };
    if constexpr (n == 64) {
      return load(parts[0]);
    } else if constexpr (n == 32) {
      return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(whole(0))),
                                _mm256_loadu_si256(whole(1)), 1);
    } else {
      const __m256i low =
          _mm256_inserti128_si256(_mm256_castsi128_si256(quarter(0)), quarter(1), 1);
      const __m256i high =
          _mm256_inserti128_si256(_mm256_castsi128_si256(quarter(2)), quarter(3), 1);
      return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
  }
  // Part i of n bytes to p + at[i].
  template <int n>
  static void storeParts(uint8_t* p, const size_t* at, Int v) {
    if constexpr (n == 64) {
      store(p, v);
    } else if constexpr (n == 32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + at[0]), _mm512_castsi512_si256(v));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + at[1]), _mm512_extracti64x4_epi64(v, 1));
    } else {
      const auto to = [&](int i) { return reinterpret_cast<__m128i*>(p + at[i]); };
      _mm_storeu_si128(to(0), _mm512_castsi512_si128(v));
      _mm_storeu_si128(to(1), _mm512_extracti32x4_epi32(v, 1));
      _mm_storeu_si128(to(2), _mm512_extracti32x4_epi32(v, 2));
      _mm_storeu_si128(to(3), _mm512_extracti32x4_epi32(v, 3));
    }
  }

  // To where a whole vector is aligned, around the cache; endStream() before other threads look.
  static void stream(void* p, Int v) { _mm512_stream_si512(static_cast<Int*>(p), v); }
  static void endStream() { _mm_sfence(); }

  static Int zero() { return _mm512_setzero_si512(); }
  static Int set8(int v) { return _mm512_set1_epi8(static_cast<char>(v)); }
  static Int set16(int v) { return _mm512_set1_epi16(static_cast<short>(v)); }
  static Int set32(int v) { return _mm512_set1_epi32(v); }
  static Int broadcast4(const void* p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
  }

  // Sixteen (kWords) bytes to int32.
  static Int widenU8(const void* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static Int widenS8(const void* p) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }

  static Int add16(Int a, Int b) { return _mm512_add_epi16(a, b); }
  static Int add32(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int sub32(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int mul32(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
  static Int addSaturated16(Int a, Int b) { return _mm512_adds_epi16(a, b); }
  static Int minU8(Int a, Int b) { return _mm512_min_epu8(a, b); }
  static Int maxU8(Int a, Int b) { return _mm512_max_epu8(a, b); }
  static Int maxS8(Int a, Int b) { return _mm512_max_epi8(a, b); }
  static Int addSaturatedU8(Int a, Int b) { return _mm512_adds_epu8(a, b); }
  static Int bitOr(Int a, Int b) { return _mm512_or_si512(a, b); }
  // Bytes of `table` (one 16-byte table in each lane) at the low four bits of each index, and 0
  // where the index has its highest bit set.
  static Int shuffle8(Int table, Int indexes) { return _mm512_shuffle_epi8(table, indexes); }
  static Int broadcastLane(const void* p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static Int exclusiveOr(Int a, Int b) { return _mm512_xor_si512(a, b); }
  static bool isZero(Int v) { return _mm512_test_epi32_mask(v, v) == 0; }
  // Of each byte the lower and the upper half.
  static Int lowNibbles(Int v) { return _mm512_and_si512(v, set8(15)); }
  static Int highNibbles(Int v) { return lowNibbles(_mm512_srli_epi16(v, 4)); }

  // Saturating: int32 to int16, int16 to int8 or uint8; per lane first a, then b.
  static Int pack32(Int a, Int b) { return _mm512_packs_epi32(a, b); }
  static Int pack16(Int a, Int b) { return _mm512_packs_epi16(a, b); }
  static Int pack16Unsigned(Int a, Int b) { return _mm512_packus_epi16(a, b); }
  static Int unpackLow8(Int a, Int b) { return _mm512_unpacklo_epi8(a, b); }
  static Int unpackHigh8(Int a, Int b) { return _mm512_unpackhi_epi8(a, b); }
  static Int unpackLow16(Int a, Int b) { return _mm512_unpacklo_epi16(a, b); }
  static Int unpackHigh16(Int a, Int b) { return _mm512_unpackhi_epi16(a, b); }
  // Four-byte groups from the order in which four packed vectors leave them to the natural one.
  static Int unlace(Int v) {
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
  }

  static Float setFloat(float v) { return _mm512_set1_ps(v); }
  static Float loadFloat(const float* p) { return _mm512_loadu_ps(p); }
  static void storeFloat(float* p, Float v) { _mm512_storeu_ps(p, v); }
  static Float toFloat(Int v) { return _mm512_cvtepi32_ps(v); }
  static Int toInt(Float v) { return _mm512_cvtps_epi32(v); }  // rounds half to even
  static Float round(Float v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT); }
  static Int bits(Float v) { return _mm512_castps_si512(v); }
  static Float fromBits(Int v) { return _mm512_castsi512_ps(v); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  // a < b ? a : b and a > b ? a : b: b where one of them is NaN.
  static Float min(Float a, Float b) { return _mm512_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  // The greater one, NaN where one of them is NaN.
  static Float maxOrNan(Float a, Float b) {
    return _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
  }

#if defined(__AVX512VNNI__) || defined(_MSC_VER)
  // acc += the sum of four u8 · s8 products, per int32. Tied in assembly: with the intrinsic, gcc
  // 12 spills accumulators where an epilogue is inlined behind the loop.
  static void dot(Int& acc, Int u8, Int s8) {
#if defined(__GNUC__)
    asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(u8), "v"(s8));
#else
    acc = _mm512_dpbusd_epi32(acc, u8, s8);
#endif
  }
  // acc += the sum of two s16 · s16 products, per int32, likewise.
  static void dot16(Int& acc, Int a, Int b) {
#if defined(__GNUC__)
    asm("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm512_dpwssd_epi32(acc, a, b);
#endif
  }
#endif

  // acc += sums of bytes, spread over its int32.
  static void sumBytes(Int& acc, Int bytes) { acc = add32(acc, _mm512_sad_epu8(bytes, zero())); }
  // The sums of the int32 of each of four vectors.
  static __m128i total(Int a, Int b, Int c, Int d) {
    const Int ab = add32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    const Int cd = add32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    const Int all = add32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    const __m256i half =
        _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  }

  // Even bytes and odd bytes as words, and the sums of products of neighbouring words.
  static Int evenBytes(Int u8) { return _mm512_and_si512(u8, set16(0x00ff)); }
  static Int oddBytes(Int u8) { return _mm512_srli_epi16(u8, 8); }
  static Int multiplyAdd16(Int a, Int b) { return _mm512_madd_epi16(a, b); }
  // Sums of products of neighbouring bytes, saturated.
  static Int multiplyAddU8S8(Int u8, Int s8) { return _mm512_maddubs_epi16(u8, s8); }

  // In each lane lie 4 / words rows, one behind the other, of `words` 4-byte groups: brings the
  // parts of a row together, row behind row. With words = 3 there is one row, and the last group of
  // a lane is void.
  template <int words>
  static Int compact(Int v) {
    if constexpr (words == 1) {
      return unlace(v);
    } else if constexpr (words == 2) {
      return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), v);
    } else if constexpr (words == 3) {
      return _mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0), v);
    } else {
      return v;
    }
  }
  // The first words of each lane from bytes that follow each other: undoes compact<words> for one
  // row.
  template <int words>
  static Int spread(Int v) {
    if constexpr (words == 1) {
      return _mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), v);
    } else if constexpr (words == 2) {
      return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), v);
    } else if constexpr (words == 3) {
      return _mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11), v);
    } else {
      return v;
    }
  }
  // Row `row` of what compact<words> made, moved to the front.
  template <int words, int row>
  static Int compactRow(Int v) {
    if constexpr (row == 0) {
      return v;
    } else if constexpr (words == 1) {
      return _mm512_castsi128_si512(_mm512_extracti32x4_epi32(v, row));
    } else {
      return _mm512_castsi256_si512(_mm512_extracti64x4_epi64(v, row));
    }
  }
  // The first n bytes for n known to the compiler: 16, 32, 48 or 64.
  template <int n>
  static void storeBytes(void* p, Int v) {
    if constexpr (n == 64) {
      store(p, v);
    } else {
      auto* bytes = static_cast<uint8_t*>(p);
      if constexpr (n >= 32) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), _mm512_castsi512_si256(v));
      }
      if constexpr (n == 48) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + 32), _mm512_extracti32x4_epi32(v, 2));
      }
      if constexpr (n == 16) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm512_castsi512_si128(v));
      }
    }
  }

 private:
  static __mmask64 mask(size_t n) { return (static_cast<uint64_t>(1) << n) - 1; }
};

}  // namespace
}  // namespace octavo
