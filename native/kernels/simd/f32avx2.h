// What float32 kernel templates add to the vocabulary of simd/avx2.h, for 256-bit registers.
// simd/f32avx512.h tells what each word means.
#pragma once

#include "native/kernels/simd/avx2.h"

namespace octavo {
namespace {

struct F32Avx2 : Avx2 {
  using Mask = __m256;
  using Double = __m256d;
  static constexpr int kDoubles = 4;

  static Float loadFloats(const float* p, size_t n) { return _mm256_maskload_ps(p, first(n)); }
  static void storeFloats(float* p, Float v, size_t n) { _mm256_maskstore_ps(p, first(n), v); }
  static Float broadcast(const float* p) { return _mm256_broadcast_ss(p); }

  static Float subtract(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float squareRoot(Float v) { return _mm256_sqrt_ps(v); }
  static Float floor(Float v) { return _mm256_floor_ps(v); }
  static Float ceil(Float v) { return _mm256_ceil_ps(v); }
  static Float absolute(Float v) { return _mm256_andnot_ps(setFloat(-0.0f), v); }
  static Float negate(Float v) { return _mm256_xor_ps(v, setFloat(-0.0f)); }
  static Float withSign(Float a, Float b) {
    return _mm256_or_ps(absolute(a), _mm256_and_ps(setFloat(-0.0f), b));
  }

  static Mask isLess(Float a, Float b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  static Mask isNan(Float v) { return _mm256_cmp_ps(v, v, _CMP_UNORD_Q); }
  static bool any(Mask mask) { return _mm256_movemask_ps(mask) != 0; }
  static Float select(Mask mask, Float yes, Float no) { return _mm256_blendv_ps(no, yes, mask); }

  static Float multiplyAdd(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static void accumulate(Float& acc, Float a, Float b) {
#if defined(__GNUC__)
    asm("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b));
#else
    acc = _mm256_fmadd_ps(a, b, acc);
#endif
  }
  static constexpr bool kMultipliesMemory = false;
  static constexpr bool kMovesPointers = true;
  static void accumulateOne(Float& acc, const float* a, Float b) {
    accumulate(acc, broadcast(a), b);
  }

  // In two steps, so that neither factor leaves the range of normal numbers, |n| < 250.
  static Float scale(Float v, Float n) {
    const Int whole = toInt(n), half = _mm256_srai_epi32(whole, 1);
    return multiply(multiply(v, powerOfTwo(half)), powerOfTwo(sub32(whole, half)));
  }
  static Float scaleNormal(Float v, Float n) {
    return fromBits(add32(bits(v), _mm256_slli_epi32(toInt(n), 23)));
  }
  static Float scaleDown(Float v, Float n) {
    return multiply(scaleNormal(multiply(v, setFloat(0x1p64f)), n), setFloat(0x1p-64f));
  }

  static void split(Float v, Float& fraction, Float& exponent) {
    const Int whole = _mm256_srai_epi32(sub32(bits(v), set32(0x3f3504f3)), 23);
    fraction = fromBits(sub32(bits(v), _mm256_slli_epi32(whole, 23)));
    exponent = toFloat(whole);
  }

  static float sum(Float v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static float largest(Float v) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
  }

  static Double loadDoubles(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static Double loadDouble(const double* p) { return _mm256_loadu_pd(p); }
  static void storeDouble(double* p, Double v) { _mm256_storeu_pd(p, v); }
  static Double setDouble(double v) { return _mm256_set1_pd(v); }
  static Double addDouble(Double a, Double b) { return _mm256_add_pd(a, b); }
  static Double minDouble(Double a, Double b) {
    return _mm256_blendv_pd(_mm256_min_pd(a, b), a, _mm256_cmp_pd(a, a, _CMP_UNORD_Q));
  }
  static Double maxDouble(Double a, Double b) {
    return _mm256_blendv_pd(_mm256_max_pd(a, b), a, _mm256_cmp_pd(a, a, _CMP_UNORD_Q));
  }

 private:
  static Int first(size_t n) {
    const Int lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(set32(static_cast<int>(n)), lanes);
  }
  static Float powerOfTwo(Int n) { return fromBits(_mm256_slli_epi32(add32(n, set32(127)), 23)); }
};

}  // namespace
}  // namespace octavo
