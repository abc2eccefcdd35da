// What becomes of the sums of one row.
#pragma once

#include "native/kernels/dot16/dot16.h"
#include "native/kernels/scalar.h"

namespace octavo {
namespace {

// Plain loops: compilers make vectors of them where there are any. A float32 is made of an int64 by
// one rounding.
inline void storeDot16Row(const Dot16Args& args, size_t row, int64_t* sums) {
  const size_t at = row * args.yStride, columns = args.columns;
  if (args.bias != nullptr) {
    for (size_t c = 0; c < columns; ++c) sums[c] += args.bias[c];
  }
  if (args.output == Dot16Output::kInt64) {
    int64_t* y = static_cast<int64_t*>(args.y) + at;
    for (size_t c = 0; c < columns; ++c) y[c] = sums[c];
    return;
  }
  const float* multiplier = args.multiplier;
  if (args.output == Dot16Output::kFloat32) {
    float* y = static_cast<float*>(args.y) + at;
    for (size_t c = 0; c < columns; ++c) y[c] = static_cast<float>(sums[c]) * multiplier[c];
    return;
  }
  int16_t* y = static_cast<int16_t*>(args.y) + at;
  const int32_t min = args.min, max = args.max;
  for (size_t c = 0; c < columns; ++c) {
    const float value = static_cast<float>(sums[c]) * multiplier[c];
    y[c] = static_cast<int16_t>(roundToInteger(value, 0, min, max));
  }
}

}  // namespace
}  // namespace octavo
