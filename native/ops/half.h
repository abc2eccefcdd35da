// Scalar conversions between float32 and the 16-bit floats, as src/core/half.ts defines them:
// narrowing rounds to nearest, ties to even, and keeps NaN a NaN; widening is exact.
#pragma once

#include <cstdint>
#include <cstring>

namespace octavo {

inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint16_t toFloat16(float value) {
  const uint32_t bits = bitsOf(value), magnitude = bits & 0x7fffffff;
  const uint32_t sign = bits >> 16 & 0x8000;
  const auto result = [sign](uint32_t rest) { return static_cast<uint16_t>(sign | rest); };
  if (magnitude > 0x7f800000) return result(0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x47800000) return result(0x7c00);  // 2^16 and above
  if (magnitude >= 0x38800000) {
    // 2^-14 and above: normal. A carry out of the fraction raises the exponent, up to infinity.
    const uint32_t rebased = magnitude - (112u << 23);
    return result((rebased + 0xfff + (rebased >> 13 & 1)) >> 13);
  }
  // Subnormal: the significand counted in units of 2^-24. Below 2^-25 everything rounds to zero.
  const uint32_t shift = 126 - (magnitude >> 23);
  if (shift > 24) return result(0);
  const uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
  const uint32_t quotient = significand >> shift, half = 1u << (shift - 1);
  const uint32_t remainder = significand & ((1u << shift) - 1);
  return result(quotient + (remainder > half || (remainder == half && (quotient & 1) != 0)));
}

inline float fromFloat16(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1f;
  const uint32_t fraction = half & 0x3ff;
  if (exponent == 0x1f) {
    return floatOf(sign | 0x7f800000 | (fraction != 0 ? 0x400000 | fraction << 13 : 0));
  }
  if (exponent != 0) return floatOf(sign | (exponent + 112) << 23 | fraction << 13);
  const float subnormal = static_cast<float>(fraction) * 0x1p-24f;
  return floatOf(sign | bitsOf(subnormal));
}

inline uint16_t toBfloat16(float value) {
  const uint32_t bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float fromBfloat16(uint16_t half) {
  const uint32_t quiet = (half & 0x7fff) > 0x7f80 ? 0x400000 : 0;
  return floatOf(static_cast<uint32_t>(half) << 16 | quiet);
}

}  // namespace octavo
