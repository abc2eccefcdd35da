// A few bytes of a vector to memory, where the instruction set has no masked stores of bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// The first n bytes of `size`, 0 <= n <= size <= 32, in pieces that overlap.
template <size_t size>
OCTAVO_INLINE void copyFirst(void* to, const uint8_t* from, size_t n) {
  auto* bytes = static_cast<uint8_t*>(to);
  if (size > 16 && n >= 16) {
    memcpy(bytes, from, 16);
    memcpy(bytes + n - 16, from + n - 16, 16);
  } else if (n >= 8) {
    memcpy(bytes, from, 8);
    memcpy(bytes + n - 8, from + n - 8, 8);
  } else if (n >= 4) {
    memcpy(bytes, from, 4);
    memcpy(bytes + n - 4, from + n - 4, 4);
  } else if (n > 0) {
    bytes[0] = from[0];
    bytes[n / 2] = from[n / 2];
    bytes[n - 1] = from[n - 1];
  }
}

}  // namespace
}  // namespace octavo
