// How kRows ends: from sums to bytes.
#pragma once

#include "native/kernels/depthwise/block.h"

namespace octavo {
namespace {

// Sums to bytes: what kernels/simd/requantize.h does, for products that are known to fit int32.
template <typename V>
struct Finish {
  explicit Finish(const DepthwiseArgs& args)
      : zero(V::set16(args.zero)),
        min(V::set8(args.min)),
        max(V::set8(args.max)),
        clamps(args.min > 0 || args.max < 255) {}

  static OCTAVO_INLINE typename V::Int scale(typename V::Int acc, const float* multiplier) {
    return V::toInt(V::multiply(V::toFloat(acc), V::loadFloat(multiplier)));
  }
  OCTAVO_INLINE typename V::Int bytes(typename V::Int a, typename V::Int b, typename V::Int c,
                                      typename V::Int d, const float* multiplier) const {
    const auto low = V::pack32(scale(a, multiplier), scale(b, multiplier + V::kWords));
    const auto high = V::pack32(scale(c, multiplier + 2 * V::kWords),  //
                                scale(d, multiplier + 3 * V::kWords));
    return V::pack16Unsigned(V::addSaturated16(low, zero), V::addSaturated16(high, zero));
  }
  // A branch that is always the same costs less than two instructions that change nothing.
  template <int n>
  OCTAVO_INLINE void clamp(typename V::Int* results) const {
    if (!clamps) return;
#pragma GCC unroll 4
    for (int i = 0; i < n; ++i) results[i] = V::minU8(V::maxU8(results[i], min), max);
  }

  typename V::Int zero, min, max;
  bool clamps;
};

}  // namespace
}  // namespace octavo
