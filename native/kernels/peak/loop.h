// The loop as a template over a product P: a Vector, how many accumulators hide its latency, and
// accumulate(acc, a, b). Where kDistinct, every accumulator has an `a` of its own, read from
// memory: for products of several instructions, of which a compiler would share the first.
// Accumulators begin unequal, or it would keep one for all.
#pragma once

#include "native/kernels/peak/peak.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename P>
OCTAVO_INLINE void peakLoop(const PeakArgs& args) {
  using Vector = typename P::Vector;
  constexpr int kCount = P::kAccumulators;
  static_assert(kCount * sizeof(Vector) <= kPeakBytes);
  const auto* operands = static_cast<const Vector*>(args.operands);
  const Vector a = operands[0];
  Vector acc[kCount];
#pragma GCC unroll 24
  for (int j = 0; j < kCount; ++j) acc[j] = operands[j];
  for (size_t i = 0; i < args.iterations; ++i) {
    const Vector b = operands[i & 1];
#pragma GCC unroll 24
    for (int j = 0; j < kCount; ++j) {
      acc[j] = P::accumulate(acc[j], P::kDistinct ? operands[j] : a, b);
    }
  }
  auto* result = static_cast<Vector*>(args.result);
#pragma GCC unroll 24
  for (int j = 0; j < kCount; ++j) result[j] = acc[j];
}

}  // namespace
}  // namespace octavo
