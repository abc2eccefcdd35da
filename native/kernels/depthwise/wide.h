// Products with wide weights, for instruction sets without a dot product: vpmaddwd adds two int16
// products, exact for any u8 and any weight less its zero point.
#pragma once

#include <stdint.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename V>
struct WideProduct {
  struct Left {
    typename V::Int even, odd;
  };
  using Right = const int8_t*;
  static constexpr int kWeightBytes = 2 * V::kBytes;
  static OCTAVO_INLINE Left left(typename V::Int u8) { return {V::evenBytes(u8), V::oddBytes(u8)}; }
  static OCTAVO_INLINE Right right(const int8_t* weights) { return weights; }
  static OCTAVO_INLINE void accumulate(typename V::Int& acc, const Left& a, Right w) {
    acc = V::add32(acc, V::multiplyAdd16(a.even, V::load(w)));
    acc = V::add32(acc, V::multiplyAdd16(a.odd, V::load(w + V::kBytes)));
  }
};

}  // namespace
}  // namespace octavo
