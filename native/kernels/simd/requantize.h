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

}  // namespace
}  // namespace octavo
