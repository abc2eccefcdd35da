// What float32 kernel templates add to the vocabulary of simd/avx512.h, for 512-bit registers.
#pragma once

#include "native/kernels/simd/avx512.h"

namespace octavo {
namespace {

struct F32Avx512 : Avx512 {
  using Mask = __mmask16;
  using Double = __m512d;
  static constexpr int kDoubles = 8;

  // The first n floats, 0 <= n <= kWords; the rest of the vector is 0.
  static Float loadFloats(const float* p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void storeFloats(float* p, Float v, size_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static Float broadcast(const float* p) { return _mm512_set1_ps(*p); }

  static Float subtract(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float squareRoot(Float v) { return _mm512_sqrt_ps(v); }
  static Float floor(Float v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEG_INF); }
  static Float ceil(Float v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_POS_INF); }
  static Float absolute(Float v) { return _mm512_abs_ps(v); }
  static Float negate(Float v) { return _mm512_xor_ps(v, setFloat(-0.0f)); }
  // The magnitude of a with the sign of b.
  static Float withSign(Float a, Float b) {
    const Float sign = setFloat(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, b));
  }

  // False where one of them is NaN.
  static Mask isLess(Float a, Float b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static Mask isNan(Float v) { return _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q); }
  static bool any(Mask mask) { return mask != 0; }
  static Float select(Mask mask, Float yes, Float no) {
    return _mm512_mask_blend_ps(mask, no, yes);
  }

  // a * b + c, rounded once.
  static Float multiplyAdd(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  // acc += a * b, rounded once. Tied in assembly, as the dot product is.
  static void accumulate(Float& acc, Float a, Float b) {
#if defined(__GNUC__)
    asm("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm512_fmadd_ps(a, b, acc);
#endif
  }
  // Whether accumulateOne is one instruction.
  static constexpr bool kMultipliesMemory = true;
  // Whether loops over many rows are shorter with a pointer for each row than with one index.
  static constexpr bool kMovesPointers = false;
  // acc += *a * b, likewise.
  static void accumulateOne(Float& acc, const float* a, Float b) {
#if defined(__GNUC__)
    asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(b), "m"(*a));
#else
    acc = _mm512_fmadd_ps(broadcast(a), b, acc);
#endif
  }

  // v * 2^n for integers n, rounded once.
  static Float scale(Float v, Float n) { return _mm512_scalef_ps(v, n); }
  // The same where v and the result are normal numbers, and where v is from 1/2 to 2 and n from
  // -170 to 0.
  static Float scaleNormal(Float v, Float n) { return scale(v, n); }
  static Float scaleDown(Float v, Float n) { return scale(v, n); }
  // A normal positive v as fraction · 2^exponent, the fraction in [√½, √2).
  static void split(Float v, Float& fraction, Float& exponent) {
    const Int whole = _mm512_srai_epi32(sub32(bits(v), set32(0x3f3504f3)), 23);
    fraction = fromBits(sub32(bits(v), _mm512_slli_epi32(whole, 23)));
    exponent = toFloat(whole);
  }

  static float sum(Float v) { return _mm512_reduce_add_ps(v); }
  static float largest(Float v) { return _mm512_reduce_max_ps(v); }

  // kDoubles floats, widened.
  static Double loadDoubles(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static Double loadDouble(const double* p) { return _mm512_loadu_pd(p); }
  static void storeDouble(double* p, Double v) { _mm512_storeu_pd(p, v); }
  static Double setDouble(double v) { return _mm512_set1_pd(v); }
  static Double addDouble(Double a, Double b) { return _mm512_add_pd(a, b); }
  // NaN where one of them is.
  static Double minDouble(Double a, Double b) {
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q), _mm512_min_pd(a, b), a);
  }
  static Double maxDouble(Double a, Double b) {
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q), _mm512_max_pd(a, b), a);
  }

 private:
  static __mmask16 first(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }
};

}  // namespace
}  // namespace octavo
