// The arithmetic of one element, for portable.cc files: what the vector kernels must agree with.
#pragma once

#include <stdint.h>

namespace octavo {
namespace {

// Rounds half to even, |x| < 2^22: adding 1.5 · 2^23 leaves no bits for a fraction.
inline float roundSmall(float x) {
  const float magic = 12582912.0f;
  return x + magic - magic;
}

// value limited to low ... high; NaN becomes low.
inline float clampFloat(float value, float low, float high) {
  value = value > low ? value : low;
  return value < high ? value : high;
}

// The same, but NaN stays NaN.
inline float boundFloat(float value, float lower, float upper) {
  value = value < lower ? lower : value;
  return value > upper ? upper : value;
}

// clamp(rne(value) + zero, min, max), all of them within ±2^17.
inline int32_t roundToInteger(float value, int32_t zero, int32_t min, int32_t max) {
  const float low = static_cast<float>(min - zero), high = static_cast<float>(max - zero);
  return static_cast<int32_t>(roundSmall(clampFloat(value, low, high))) + zero;
}

}  // namespace
}  // namespace octavo
