// What QConvDynamic has beside a QConv: a zero point and scales of x that are computed, and a bias
// that is added in float.
#pragma once

#include <cstdint>

#include "native/ops/op.h"

namespace octavo {

struct QTerms {
  bool present = false;
  TensorInfo xZero{};
  bool scaled = false;    // by one scale, before multipliers are
  bool perPixel = false;  // or by one for each pixel, behind them
  TensorInfo xScale{};
  const float* bias = nullptr;  // [O] or null
  float lower = 0, upper = 0;

  // Whether what the kernels store is scaled or added to behind them.
  bool finishes() const { return perPixel || bias != nullptr; }
};

// The terms of one run.
struct QTermValues {
  int32_t xZero = 0;
  float xScale = 1;
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
  return values;
}

}  // namespace octavo
