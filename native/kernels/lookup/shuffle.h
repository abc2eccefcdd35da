// The kernel as a template over a vector vocabulary V (kernels/simd). The table is sixteen tables
// of 16. For each, the high halves of the indexes that want it are made 0, and adding 0x70 with
// saturation sets the highest bit of all others, which makes the byte shuffle give 0 for them.
#pragma once

#include "native/kernels/lookup/lookup.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename V>
OCTAVO_INLINE typename V::Int lookUp(const uint8_t* table, typename V::Int x) {
  auto y = V::zero();
  const auto saturating = V::set8(0x70);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    const auto indexes = V::addSaturatedU8(V::exclusiveOr(x, V::set8(i << 4)), saturating);
    y = V::bitOr(y, V::shuffle8(V::broadcastLane(table + 16 * i), indexes));
  }
  return y;
}

template <typename V>
inline void lookup(const LookupArgs& args) {
  size_t i = 0;
  for (; i + V::kBytes <= args.count; i += V::kBytes) {
    V::store(args.y + i, lookUp<V>(args.table, V::load(args.x + i)));
  }
  for (; i < args.count; ++i) args.y[i] = args.table[args.x[i]];
}

}  // namespace
}  // namespace octavo
