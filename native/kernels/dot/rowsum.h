// Sums of rows as a template over a vector vocabulary V (kernels/simd).
#pragma once

#include <string.h>

#include "native/kernels/dot/dot.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename V>
OCTAVO_INLINE typename V::Int sumRow(const RowSumArgs& args, size_t row) {
  auto sum = V::zero();
  for (size_t tap = 0; tap < args.taps; ++tap) {
    const uint8_t* a = args.a[tap * args.rows + row] + args.offset;
    size_t k = 0;
    for (; k + V::kBytes <= args.depth; k += V::kBytes) V::sumBytes(sum, V::load(a + k));
    if (k < args.depth) V::sumBytes(sum, V::loadFirst(a + k, args.depth - k));
  }
  return sum;
}

template <typename V>
inline void rowSums(const RowSumArgs& given) {
  const RowSumArgs args = given;
  for (size_t row = 0; row < args.rows; row += 4) {
    const size_t left = args.rows - row < 4 ? args.rows - row : 4;
    typename V::Int sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      if (i < left) sums[i] = sumRow<V>(args, row + i);
    }
    const auto totals = V::total(sums[0], sums[1], sums[2], sums[3]);
    memcpy(args.sums + row, &totals, left * sizeof(int32_t));
  }
}

}  // namespace
}  // namespace octavo
