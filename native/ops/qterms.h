// What QConvDynamic has beside a QConv: a zero point and scales of x that are computed, and a bias
// that is added in float.
#pragma once

#include <cstdint>

#include "native/ops/op.h"

namespace octavo {

struct QTerms {
  bool present = false;
  bool computesZero = false;  // the zero point is not a constant
  TensorInfo xZero{};
  bool scaled = false;    // by one scale, before multipliers are
  bool perPixel = false;  // or by one for each pixel, behind them
  TensorInfo xScale{};
  const float* bias = nullptr;  // [O] or null
};

// The terms of one run.
struct QTermValues {
  int32_t xZero = 0;
  float xScale = 1;
  const float* pixelScales = nullptr;  // where there is one for each
};

// Tables of one panel for one run. No panel has more columns.
struct QTermTables {
  static constexpr size_t kMostColumns = 64;
  int32_t bias[kMostColumns];
  float multiplier[kMostColumns];
};

inline QTermValues valuesOf(const QTerms& terms, const RunContext& context) {
  QTermValues values;
  if (!terms.present) return values;
  values.xZero = *context.in<uint8_t>(terms.xZero);
  if (terms.scaled) values.xScale = *context.in<float>(terms.xScale);
  if (terms.perPixel) values.pixelScales = context.in<float>(terms.xScale);
  return values;
}

}  // namespace octavo
