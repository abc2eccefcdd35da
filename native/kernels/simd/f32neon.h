// What float32 kernel templates add to the vocabulary of simd/neon.h. simd/f32avx512.h tells what
// each word means.
#pragma once

#include "native/kernels/simd/neon.h"

namespace octavo {
namespace {

struct F32Neon : Neon {
  using Mask = uint32x4_t;
  using Double = float64x2_t;
  static constexpr int kDoubles = 2;

  static Float loadFloats(const float* p, size_t n) {
    float part[kWords] = {};
    memcpy(part, p, n * sizeof *p);
    return loadFloat(part);
  }
  static void storeFloats(float* p, Float v, size_t n) {
    float part[kWords];
    storeFloat(part, v);
    memcpy(p, part, n * sizeof *p);
  }
  static Float broadcast(const float* p) { return vld1q_dup_f32(p); }

  static Float subtract(Float a, Float b) { return vsubq_f32(a, b); }
  static Float squareRoot(Float v) { return vsqrtq_f32(v); }
  static Float floor(Float v) { return vrndmq_f32(v); }
  static Float ceil(Float v) { return vrndpq_f32(v); }
  static Float absolute(Float v) { return vabsq_f32(v); }
  static Float negate(Float v) { return vnegq_f32(v); }
  static Float withSign(Float a, Float b) { return vbslq_f32(vdupq_n_u32(0x80000000u), b, a); }

  static Mask isLess(Float a, Float b) { return vcltq_f32(a, b); }
  static Mask isNan(Float v) { return vmvnq_u32(vceqq_f32(v, v)); }
  static bool any(Mask mask) { return vmaxvq_u32(mask) != 0; }
  static Float select(Mask mask, Float yes, Float no) { return vbslq_f32(mask, yes, no); }

  static Float multiplyAdd(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }
  static void accumulate(Float& acc, Float a, Float b) { acc = vfmaq_f32(acc, a, b); }
  static constexpr bool kMultipliesMemory = false;
  static constexpr bool kMovesPointers = false;
  static void accumulateOne(Float& acc, const float* a, Float b) {
    accumulate(acc, broadcast(a), b);
  }

  // In two steps, so that neither factor leaves the range of normal numbers, |n| < 250.
  static Float scale(Float v, Float n) {
    const int32x4_t whole = vcvtnq_s32_f32(n), half = vshrq_n_s32(whole, 1);
    return multiply(multiply(v, powerOfTwo(half)), powerOfTwo(vsubq_s32(whole, half)));
  }
  static Float scaleNormal(Float v, Float n) {
    const int32x4_t power = vshlq_n_s32(vcvtnq_s32_f32(n), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(v), power));
  }
  static Float scaleDown(Float v, Float n) {
    return multiply(scaleNormal(multiply(v, setFloat(0x1p64f)), n), setFloat(0x1p-64f));
  }

  static void split(Float v, Float& fraction, Float& exponent) {
    const int32x4_t all = vreinterpretq_s32_f32(v);
    const int32x4_t whole = vshrq_n_s32(vsubq_s32(all, vdupq_n_s32(0x3f3504f3)), 23);
    fraction = vreinterpretq_f32_s32(vsubq_s32(all, vshlq_n_s32(whole, 23)));
    exponent = vcvtq_f32_s32(whole);
  }

  static float sum(Float v) { return vaddvq_f32(v); }
  static float largest(Float v) { return vmaxvq_f32(v); }

  static Double loadDoubles(const float* p) { return vcvt_f64_f32(vld1_f32(p)); }
  static Double loadDouble(const double* p) { return vld1q_f64(p); }
  static void storeDouble(double* p, Double v) { vst1q_f64(p, v); }
  static Double setDouble(double v) { return vdupq_n_f64(v); }
  static Double addDouble(Double a, Double b) { return vaddq_f64(a, b); }
  static Double minDouble(Double a, Double b) { return vminq_f64(a, b); }
  static Double maxDouble(Double a, Double b) { return vmaxq_f64(a, b); }

 private:
  static Float powerOfTwo(int32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
  }
};

}  // namespace
}  // namespace octavo
