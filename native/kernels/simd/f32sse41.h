// What float32 kernel templates add to the vocabulary of simd/sse41.h, for 128-bit registers.
// simd/f32avx512.h tells what each word means. There is no fused multiplication and addition: sums
// of products are rounded twice, and what needs it once goes through double.
#pragma once

#include "native/kernels/simd/sse41.h"

namespace octavo {
namespace {

struct F32Sse41 : Sse41 {
  using Mask = __m128;
  using Double = __m128d;
  static constexpr int kDoubles = 2;

  static Float loadFloats(const float* p, size_t n) {
    alignas(16) float values[kWords] = {};
    memcpy(values, p, n * sizeof(float));
    return _mm_load_ps(values);
  }
  static void storeFloats(float* p, Float v, size_t n) { storeFirst(p, bits(v), 4 * n); }
  static Float broadcast(const float* p) { return _mm_set1_ps(*p); }

  static Float subtract(Float a, Float b) { return _mm_sub_ps(a, b); }
  static Float squareRoot(Float v) { return _mm_sqrt_ps(v); }
  static Float floor(Float v) { return _mm_floor_ps(v); }
  static Float ceil(Float v) { return _mm_ceil_ps(v); }
  static Float absolute(Float v) { return _mm_andnot_ps(setFloat(-0.0f), v); }
  static Float negate(Float v) { return _mm_xor_ps(v, setFloat(-0.0f)); }
  static Float withSign(Float a, Float b) {
    return _mm_or_ps(absolute(a), _mm_and_ps(setFloat(-0.0f), b));
  }

  static Mask isLess(Float a, Float b) { return _mm_cmplt_ps(a, b); }
  static Mask isNan(Float v) { return _mm_cmpunord_ps(v, v); }
  static bool any(Mask mask) { return _mm_movemask_ps(mask) != 0; }
  static Float select(Mask mask, Float yes, Float no) { return _mm_blendv_ps(no, yes, mask); }

  // The product is exact in double.
  static Float multiplyAdd(Float a, Float b, Float c) {
    const Double low = _mm_add_pd(_mm_mul_pd(half(a), half(b)), half(c));
    const Double high = _mm_add_pd(_mm_mul_pd(rest(a), rest(b)), rest(c));
    return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
  }
  static void accumulate(Float& acc, Float a, Float b) { acc = add(acc, multiply(a, b)); }
  static constexpr bool kMultipliesMemory = false;
  static constexpr bool kMovesPointers = false;
  static void accumulateOne(Float& acc, const float* a, Float b) {
    accumulate(acc, broadcast(a), b);
  }

  // In two steps, so that neither factor leaves the range of normal numbers, |n| < 250.
  static Float scale(Float v, Float n) {
    const Int whole = toInt(n), part = _mm_srai_epi32(whole, 1);
    return multiply(multiply(v, powerOfTwo(part)), powerOfTwo(sub32(whole, part)));
  }
  static Float scaleNormal(Float v, Float n) {
    return fromBits(add32(bits(v), _mm_slli_epi32(toInt(n), 23)));
  }
  static Float scaleDown(Float v, Float n) {
    return multiply(scaleNormal(multiply(v, setFloat(0x1p64f)), n), setFloat(0x1p-64f));
  }
  static void split(Float v, Float& fraction, Float& exponent) {
    const Int whole = _mm_srai_epi32(sub32(bits(v), set32(0x3f3504f3)), 23);
    fraction = fromBits(sub32(bits(v), _mm_slli_epi32(whole, 23)));
    exponent = toFloat(whole);
  }

  static float sum(Float v) {
    const Float s = _mm_add_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
  }
  static float largest(Float v) {
    const Float s = _mm_max_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
  }

  static Double loadDoubles(const float* p) {
    return _mm_cvtps_pd(fromBits(_mm_loadl_epi64(reinterpret_cast<const Int*>(p))));
  }
  static Double loadDouble(const double* p) { return _mm_loadu_pd(p); }
  static void storeDouble(double* p, Double v) { _mm_storeu_pd(p, v); }
  static Double setDouble(double v) { return _mm_set1_pd(v); }
  static Double addDouble(Double a, Double b) { return _mm_add_pd(a, b); }
  static Double minDouble(Double a, Double b) {
    return _mm_blendv_pd(_mm_min_pd(a, b), a, _mm_cmpunord_pd(a, a));
  }
  static Double maxDouble(Double a, Double b) {
    return _mm_blendv_pd(_mm_max_pd(a, b), a, _mm_cmpunord_pd(a, a));
  }

 private:
  static Double half(Float v) { return _mm_cvtps_pd(v); }
  static Double rest(Float v) { return _mm_cvtps_pd(_mm_movehl_ps(v, v)); }
  static Float powerOfTwo(Int n) { return fromBits(_mm_slli_epi32(add32(n, set32(127)), 23)); }
};

}  // namespace
}  // namespace octavo
