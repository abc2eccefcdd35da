// The end of every quantized kernel: four vectors of int32 accumulators to bytes,
//   clamp(rne(f32(acc) * multiplier) + zero, min, max).
#pragma once

#include <stdint.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// What it needs, in registers.
template <typename V>
struct Requantize {
  Requantize(int32_t zeroPoint, int32_t lowest, int32_t highest)
      : high(V::setFloat(static_cast<float>(highest - zeroPoint))),
        zero(V::set16(zeroPoint)),
        min(V::set8(lowest)) {}

  // Large values are cut before they could overflow; very negative ones become INT32_MIN, which the
  // saturating packs carry down to the minimum.
  OCTAVO_INLINE typename V::Int round(typename V::Float value) const {
    return V::toInt(V::min(value, high));
  }
  OCTAVO_INLINE typename V::Int scale(typename V::Int acc, const float* multiplier) const {
    return round(V::multiply(V::toFloat(acc), V::loadFloat(multiplier)));
  }
  // Rounded values to bytes; within each lane in order.
  OCTAVO_INLINE typename V::Int pack(typename V::Int a, typename V::Int b, typename V::Int c,
                                     typename V::Int d) const {
    const auto low = V::addSaturated16(V::pack32(a, b), zero);
    const auto rest = V::addSaturated16(V::pack32(c, d), zero);
    return V::maxU8(V::pack16Unsigned(low, rest), min);
  }

  typename V::Float high;
  typename V::Int zero, min;
};

// The same for multipliers below 1 in magnitude: no product overflows int32, and the bounds are a
// matter of bytes.
template <typename V>
struct RequantizeFractions {
  RequantizeFractions(int32_t zeroPoint, int32_t lowest, int32_t highest)
      : shifts(zeroPoint != 0),
        clamps(lowest > 0 || highest < 255),
        zero(V::set16(zeroPoint)),
        min(V::set8(lowest)),
        max(V::set8(highest)) {}

  OCTAVO_INLINE typename V::Int scale(typename V::Int acc, const float* multiplier) const {
    return V::toInt(V::multiply(V::toFloat(acc), V::loadFloat(multiplier)));
  }
  OCTAVO_INLINE typename V::Int pack(typename V::Int a, typename V::Int b, typename V::Int c,
                                     typename V::Int d) const {
    auto low = V::pack32(a, b), rest = V::pack32(c, d);
    if (shifts) low = V::addSaturated16(low, zero), rest = V::addSaturated16(rest, zero);
    const auto bytes = V::pack16Unsigned(low, rest);
    return clamps ? V::minU8(V::maxU8(bytes, min), max) : bytes;
  }

  bool shifts, clamps;
  typename V::Int zero, min, max;
};

}  // namespace
}  // namespace octavo
