// The vocabulary in which kernel templates are written, for the 128-bit registers of 64-bit ARM:
// kernels/simd/avx512.h tells what each word means. What is natural there is natural here too: a
// register is one lane. NeonProduct is the way to multiply without a dot product, NeonDotProduct
// and NeonI8mm have one, tied in assembly: with the intrinsics, gcc 12 moves accumulators from
// register to register.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

struct Neon {
  using Int = uint8x16_t;
  using Float = float32x4_t;
  static constexpr int kLanes = 1;
  static constexpr int kBytes = 16;
  static constexpr int kWords = 4;
  static constexpr int kRegisters = 32;

  static Int load(const void* p) { return vld1q_u8(static_cast<const uint8_t*>(p)); }
  static void store(void* p, Int v) { vst1q_u8(static_cast<uint8_t*>(p), v); }
  static Int loadFirst(const void* p, size_t n) {
    const Int places = load(kPlaces);
    return vandq_u8(load(p), vcltq_u8(places, vdupq_n_u8(static_cast<uint8_t>(n))));
  }
  static void storeFirst(void* p, Int v, size_t n) {
    uint8_t bytes[kBytes];
    store(bytes, v);
    memcpy(p, bytes, n);
  }

  static void stream(void* p, Int v) { store(p, v); }
  static void endStream() {}

  static Int zero() { return vdupq_n_u8(0); }
  static Int set8(int v) { return vdupq_n_u8(static_cast<uint8_t>(v)); }
  static Int set16(int v) { return vreinterpretq_u8_s16(vdupq_n_s16(static_cast<int16_t>(v))); }
  static Int set32(int v) { return from32(vdupq_n_s32(v)); }
  static Int broadcast4(const void* p) {
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return vreinterpretq_u8_u32(vdupq_n_u32(word));
  }

  static Int widenU8(const void* p) {
    const uint16x8_t words = vmovl_u8(vget_low_u8(broadcast4(p)));
    return vreinterpretq_u8_u32(vmovl_u16(vget_low_u16(words)));
  }
  static Int widenS8(const void* p) {
    const int16x8_t words = vmovl_s8(vget_low_s8(s8(broadcast4(p))));
    return from32(vmovl_s16(vget_low_s16(words)));
  }

  static Int add16(Int a, Int b) { return from16(vaddq_s16(s16(a), s16(b))); }
  static Int add32(Int a, Int b) { return from32(vaddq_s32(s32(a), s32(b))); }
  static Int sub32(Int a, Int b) { return from32(vsubq_s32(s32(a), s32(b))); }
  static Int mul32(Int a, Int b) { return from32(vmulq_s32(s32(a), s32(b))); }
  static Int addSaturated16(Int a, Int b) { return from16(vqaddq_s16(s16(a), s16(b))); }
  static Int minU8(Int a, Int b) { return vminq_u8(a, b); }
  static Int maxU8(Int a, Int b) { return vmaxq_u8(a, b); }
  static Int maxS8(Int a, Int b) { return vreinterpretq_u8_s8(vmaxq_s8(s8(a), s8(b))); }
  static Int bitOr(Int a, Int b) { return vorrq_u8(a, b); }
  static Int exclusiveOr(Int a, Int b) { return veorq_u8(a, b); }
  static bool isZero(Int v) { return vmaxvq_u8(v) == 0; }

  // Saturating: int32 to int16, int16 to int8 or uint8; first a, then b.
  static Int pack32(Int a, Int b) { return from16(vqmovn_high_s32(vqmovn_s32(s32(a)), s32(b))); }
  static Int pack16(Int a, Int b) {
    return vreinterpretq_u8_s8(vqmovn_high_s16(vqmovn_s16(s16(a)), s16(b)));
  }
  static Int pack16Unsigned(Int a, Int b) { return vqmovun_high_s16(vqmovun_s16(s16(a)), s16(b)); }
  static Int unpackLow8(Int a, Int b) { return vzip1q_u8(a, b); }
  static Int unpackHigh8(Int a, Int b) { return vzip2q_u8(a, b); }
  static Int unpackLow16(Int a, Int b) { return from16(vzip1q_s16(s16(a), s16(b))); }
  static Int unpackHigh16(Int a, Int b) { return from16(vzip2q_s16(s16(a), s16(b))); }
  static Int unlace(Int v) { return v; }
  static Int lowNibbles(Int bytes) { return vandq_u8(bytes, vdupq_n_u8(15)); }
  static Int highNibbles(Int bytes) { return vshrq_n_u8(bytes, 4); }

  static Float setFloat(float v) { return vdupq_n_f32(v); }
  static Float loadFloat(const float* p) { return vld1q_f32(p); }
  static void storeFloat(float* p, Float v) { vst1q_f32(p, v); }
  static Float toFloat(Int v) { return vcvtq_f32_s32(s32(v)); }
  static Int toInt(Float v) { return from32(vcvtnq_s32_f32(v)); }  // rounds half to even
  static Float round(Float v) { return vrndnq_f32(v); }
  static Int bits(Float v) { return vreinterpretq_u8_f32(v); }
  static Float fromBits(Int v) { return vreinterpretq_f32_u8(v); }
  static Float add(Float a, Float b) { return vaddq_f32(a, b); }
  static Float multiply(Float a, Float b) { return vmulq_f32(a, b); }
  static Float divide(Float a, Float b) { return vdivq_f32(a, b); }
  // a < b ? a : b and a > b ? a : b: b where one of them is NaN, which fmin and fmax are not.
  static Float min(Float a, Float b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static Float max(Float a, Float b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static Float maxOrNan(Float a, Float b) { return vmaxq_f32(a, b); }

  // Even bytes and odd bytes as words, and the sums of products of neighbouring words.
  static Int evenBytes(Int u8) { return vandq_u8(u8, set16(0x00ff)); }
  static Int oddBytes(Int u8) {
    return vreinterpretq_u8_u16(vshrq_n_u16(vreinterpretq_u16_u8(u8), 8));
  }
  static Int multiplyAdd16(Int a, Int b) {
    const int32x4_t low = vmull_s16(vget_low_s16(s16(a)), vget_low_s16(s16(b)));
    return from32(vpaddq_s32(low, vmull_high_s16(s16(a), s16(b))));
  }

  // acc += v. Tied in assembly, as the dot products are.
  static OCTAVO_INLINE void addTo(Int& acc, int32x4_t v) {
#if defined(__GNUC__) && !defined(__clang__)
    asm("add %0.4s, %0.4s, %1.4s" : "+w"(acc) : "w"(v));
#else
    acc = from32(vaddq_s32(s32(acc), v));
#endif
  }

  static void sumBytes(Int& acc, Int bytes) {
    acc = vreinterpretq_u8_u32(vpadalq_u16(vreinterpretq_u32_u8(acc), vpaddlq_u8(bytes)));
  }
  static Int total(Int a, Int b, Int c, Int d) {
    return from32(vpaddq_s32(vpaddq_s32(s32(a), s32(b)), vpaddq_s32(s32(c), s32(d))));
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
    return vextq_u8(v, v, 4 * words * row);
  }
  // 4, 8, 12 or 16.
  template <int n>
  static void storeBytes(void* p, Int v) {
    auto* bytes = static_cast<uint8_t*>(p);
    if constexpr (n == 16) {
      store(p, v);
    } else {
      if constexpr (n >= 8) vst1_u8(bytes, vget_low_u8(v));
      if constexpr (n % 8 == 4) {
        const uint32_t word = vgetq_lane_u32(vreinterpretq_u32_u8(v), n / 4 - 1);
        memcpy(bytes + n - 4, &word, sizeof word);
      }
    }
  }

  static int8x16_t s8(Int v) { return vreinterpretq_s8_u8(v); }
  static int16x8_t s16(Int v) { return vreinterpretq_s16_u8(v); }
  static int32x4_t s32(Int v) { return vreinterpretq_s32_u8(v); }
  static Int from16(int16x8_t v) { return vreinterpretq_u8_s16(v); }
  static Int from32(int32x4_t v) { return vreinterpretq_u8_s32(v); }

 private:
  alignas(16) static constexpr uint8_t kPlaces[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                      8, 9, 10, 11, 12, 13, 14, 15};
};

// acc += the sums of four products of int8 each, per int32.
//
// |a - 128| <= 128 and |weight| <= 128: a product fits int16, and where no weight is -128 so does
// the sum of two, 2 · 128 · 127 = 32512.
OCTAVO_INLINE void addProducts(Neon::Int& acc, int8x16_t a, int8x16_t w, bool pairsFit) {
  const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(w)), high = vmull_high_s8(a, w);
  int32x4_t sum = Neon::s32(acc);
  if (pairsFit) {
    sum = vpadalq_s16(sum, vpaddq_s16(low, high));
  } else {
    sum = vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
  }
  acc = Neon::from32(sum);
}

// Multiplies a - 128, without a dot product instruction.
template <bool pairsFit>
struct NeonProduct {
  using Left = int8x16_t;
  using Right = int8x16_t;
  static constexpr int kWeightBytes = 16;
  static OCTAVO_INLINE Left left(Neon::Int u8) {
    return Neon::s8(Neon::exclusiveOr(u8, Neon::set8(128)));
  }
  static OCTAVO_INLINE Right right(const int8_t* weights) { return vld1q_s8(weights); }
  static OCTAVO_INLINE void accumulate(Neon::Int& acc, Left a, Right w) {
    addProducts(acc, a, w, pairsFit);
  }
};

#if defined(__ARM_FEATURE_DOTPROD) || defined(_MSC_VER)
// SDOT, which takes int8 twice: multiplies a - 128, by any weight.
struct NeonDotProduct {
  using Left = int8x16_t;
  using Right = int8x16_t;
  static constexpr int kWeightBytes = 16;
  static OCTAVO_INLINE Left left(Neon::Int u8) {
    return Neon::s8(Neon::exclusiveOr(u8, Neon::set8(128)));
  }
  static OCTAVO_INLINE Right right(const int8_t* weights) { return vld1q_s8(weights); }
  static OCTAVO_INLINE void accumulate(Neon::Int& acc, Left a, Right w) {
#if defined(__GNUC__) && !defined(__clang__)
    asm("sdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(w), "w"(a));
#else
    acc = Neon::from32(vdotq_s32(Neon::s32(acc), w, a));
#endif
  }
};
#endif

#if defined(__ARM_FEATURE_MATMUL_INT8)
// USDOT: u8 times s8.
struct NeonI8mm : Neon {
  static void dot(Int& acc, Int u8, Int s8) {
#if defined(__GNUC__) && !defined(__clang__)
    asm("usdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(u8), "w"(s8));
#else
    acc = from32(vusdotq_s32(s32(acc), u8, Neon::s8(s8)));
#endif
  }
  // USMMLA: acc += the products of two rows and two columns of eight bytes each, row by row.
  static void dotPairs(Int& acc, Int rows, int8x16_t columns) {
#if defined(__GNUC__) && !defined(__clang__)
    asm("usmmla %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(rows), "w"(columns));
#else
    acc = from32(vusmmlaq_s32(s32(acc), rows, columns));
#endif
  }
};
#endif

}  // namespace
}  // namespace octavo
