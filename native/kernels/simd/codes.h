// Quantized codes as floats, in the order that packing undoes.
#pragma once

#include <stdint.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// Bytes less a zero point, exactly: a byte is put into the last bits of 2^23, from which 2^23 and
// the zero point are subtracted at once.
template <typename V>
struct Codes {
  explicit Codes(int32_t zero) : shift(V::setFloat(-8388608.0f - static_cast<float>(zero))) {}

  // The first `vectors` of the four vectors that a vector of bytes makes.
  template <int vectors = 4>
  OCTAVO_INLINE void take(typename V::Int bytes, typename V::Float* values) const {
    const auto low = V::unpackLow8(bytes, V::zero());
    values[0] = less(V::unpackLow16(low, exponent));
    if constexpr (vectors > 1) values[1] = less(V::unpackHigh16(low, exponent));
    if constexpr (vectors > 2) {
      const auto high = V::unpackHigh8(bytes, V::zero());
      values[2] = less(V::unpackLow16(high, exponent));
      if constexpr (vectors > 3) values[3] = less(V::unpackHigh16(high, exponent));
    }
  }

  typename V::Int exponent = V::set16(0x4b00);
  typename V::Float shift;

 private:
  OCTAVO_INLINE typename V::Float less(typename V::Int bits) const {
    return V::add(V::fromBits(bits), shift);
  }
};

}  // namespace
}  // namespace octavo
