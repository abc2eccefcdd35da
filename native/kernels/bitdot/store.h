// What becomes of the counts of one row.
#pragma once

#include "native/kernels/bitdot/bitdot.h"

namespace octavo {
namespace {

// Plain loops: compilers make vectors of them, and they are no part of the inner loop.
inline void storeBitDotRow(const BitDotArgs& args, size_t row, const uint32_t* differing) {
  const size_t columns = args.columns, at = row * args.yStride;
  const int32_t depth = args.depth;
  if (args.multiplier == nullptr) {
    int32_t* y = static_cast<int32_t*>(args.y) + at;
    for (size_t c = 0; c < columns; ++c) y[c] = depth - 2 * static_cast<int32_t>(differing[c]);
    return;
  }
  float* y = static_cast<float*>(args.y) + at;
  for (size_t c = 0; c < columns; ++c) {
    const int32_t acc = depth - 2 * static_cast<int32_t>(differing[c]);
    y[c] = static_cast<float>(acc) * args.multiplier[c];
    if (args.bias != nullptr) y[c] += args.bias[c];
  }
}

}  // namespace
}  // namespace octavo
