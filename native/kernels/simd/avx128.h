// The vocabulary of kernels/simd/avx512.h for 128-bit registers, as far as depthwise kernels need
// it for what remains of the channels.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "native/kernels/simd/copy.h"

namespace octavo {
namespace {

struct Avx128 {
  using Int = __m128i;
  using Float = __m128;
  static constexpr int kLanes = 1;
  static constexpr int kBytes = 16;
  static constexpr int kWords = 4;
  static constexpr int kRegisters = 16;

  static Int load(const void* p) { return _mm_loadu_si128(static_cast<const Int*>(p)); }
  static void store(void* p, Int v) { _mm_storeu_si128(static_cast<Int*>(p), v); }
  static void storeFirst(void* p, Int v, size_t n) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    _mm_mask_storeu_epi8(p, static_cast<__mmask16>((uint64_t{1} << n) - 1), v);
#else
    alignas(16) uint8_t bytes[kBytes];
    store(bytes, v);
    copyFirst<kBytes>(p, bytes, n);
#endif
  }
  static Int zero() { return _mm_setzero_si128(); }
  static Int set8(int v) { return _mm_set1_epi8(static_cast<char>(v)); }
  static Int set16(int v) { return _mm_set1_epi16(static_cast<short>(v)); }
  static Int add32(Int a, Int b) { return _mm_add_epi32(a, b); }
  static Int addSaturated16(Int a, Int b) { return _mm_adds_epi16(a, b); }
  static Int minU8(Int a, Int b) { return _mm_min_epu8(a, b); }
  static Int maxU8(Int a, Int b) { return _mm_max_epu8(a, b); }
  static Int pack32(Int a, Int b) { return _mm_packs_epi32(a, b); }
  static Int pack16Unsigned(Int a, Int b) { return _mm_packus_epi16(a, b); }
  static Int unpackLow8(Int a, Int b) { return _mm_unpacklo_epi8(a, b); }
  static Int unpackHigh8(Int a, Int b) { return _mm_unpackhi_epi8(a, b); }
  static Int unpackLow16(Int a, Int b) { return _mm_unpacklo_epi16(a, b); }
  static Int unpackHigh16(Int a, Int b) { return _mm_unpackhi_epi16(a, b); }

  static Float setFloat(float v) { return _mm_set1_ps(v); }
  static Float loadFloat(const float* p) { return _mm_loadu_ps(p); }
  static Float toFloat(Int v) { return _mm_cvtepi32_ps(v); }
  static Int toInt(Float v) { return _mm_cvtps_epi32(v); }
  static Float multiply(Float a, Float b) { return _mm_mul_ps(a, b); }
  static Float add(Float a, Float b) { return _mm_add_ps(a, b); }
  static Float min(Float a, Float b) { return _mm_min_ps(a, b); }
  static Float maxOrNan(Float a, Float b) {
    return _mm_blendv_ps(_mm_max_ps(a, b), a, _mm_cmpunord_ps(a, a));
  }
  static Int bits(Float v) { return _mm_castps_si128(v); }

  // Even bytes and odd bytes as words, and the sums of products of neighbouring words.
  static Int evenBytes(Int u8) { return _mm_and_si128(u8, set16(0x00ff)); }
  static Int oddBytes(Int u8) { return _mm_srli_epi16(u8, 8); }
  static Int multiplyAdd16(Int a, Int b) { return _mm_madd_epi16(a, b); }
};

#if defined(__AVXVNNI__) || defined(__AVX512VNNI__) || defined(_MSC_VER)
struct AvxVnni128 : Avx128 {
#if defined(__GNUC__)
#if defined(__AVX512VNNI__)
#define OCTAVO_VPDPBUSD "vpdpbusd %2, %1, %0"
#define OCTAVO_REGISTER "v"
#else
#define OCTAVO_VPDPBUSD "%{vex%} vpdpbusd %2, %1, %0"
#define OCTAVO_REGISTER "x"
#endif
  static void dot(Int& acc, Int u8, Int s8) {
    asm(OCTAVO_VPDPBUSD : "+" OCTAVO_REGISTER(acc) : OCTAVO_REGISTER(u8), OCTAVO_REGISTER(s8));
  }
#undef OCTAVO_VPDPBUSD
#undef OCTAVO_REGISTER
#elif defined(__AVX512F__)
  static void dot(Int& acc, Int u8, Int s8) { acc = _mm_dpbusd_epi32(acc, u8, s8); }
#else
  static void dot(Int& acc, Int u8, Int s8) { acc = _mm_dpbusd_avx_epi32(acc, u8, s8); }
#endif
};
#endif

}  // namespace
}  // namespace octavo
