// Ways to add the sums of four u8 · s8 products to int32 accumulators: P in kernel templates. Left
// is made of a vector of u8, once for all it is multiplied with; Right is made of a vector of
// packed weights.
#pragma once

#include <stdint.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// By an instruction that does it: V::dot.
template <typename V>
struct DirectProduct {
  using Left = typename V::Int;
  using Right = typename V::Int;
  static constexpr int kWeightBytes = V::kBytes;  // of a Right in memory
  static OCTAVO_INLINE Left left(typename V::Int u8) { return u8; }
  static OCTAVO_INLINE Right right(const int8_t* weights) { return V::load(weights); }
  static OCTAVO_INLINE void accumulate(typename V::Int& acc, const Left& a, const Right& w) {
    V::dot(acc, a, w);
  }
};

}  // namespace
}  // namespace octavo
