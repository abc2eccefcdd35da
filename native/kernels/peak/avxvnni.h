// vpdpbusd on 256 bits. Compiled twice: in VEX encoding, and in EVEX encoding for CPUs that have
// AVX512-VNNI alone.
#pragma once

#include "native/kernels/peak/loop.h"
#include "native/kernels/simd/avx2.h"

namespace octavo {
namespace {

struct ByteProduct256 {
  using Vector = __m256i;
  static constexpr int kAccumulators = 12;
  static constexpr bool kDistinct = false;
  static __m256i accumulate(__m256i acc, __m256i a, __m256i b) {
    AvxVnni::dot(acc, a, b);
    return acc;
  }
};

}  // namespace
}  // namespace octavo
