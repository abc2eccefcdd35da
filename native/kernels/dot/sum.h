// The end of a product that a residual is added to: accumulators are rounded to codes, as floats
// less their zero point, and summed with the residual's, without going through bytes in between.
#pragma once

#include "native/kernels/dot/dot.h"
#include "native/kernels/simd/codes.h"
#include "native/kernels/simd/requantize.h"

namespace octavo {
namespace {

template <typename V>
struct SumWithResidual {
  // All 0 where there is no residual.
  explicit SumWithResidual(const DotArgs& args)
      : SumWithResidual(args, args.sum == nullptr ? DotSum{} : *args.sum) {}

  SumWithResidual(const DotArgs& args, const DotSum& sum)
      : codeLow(V::setFloat(static_cast<float>(args.min - args.zero))),
        codeHigh(V::setFloat(static_cast<float>(args.max - args.zero))),
        codeMultiplier(V::setFloat(sum.codeMultiplier)),
        residualMultiplier(V::setFloat(sum.residualMultiplier)),
        codes(sum.residualZero),
        to(sum.zero, sum.min, sum.max) {}

  // The residual of a row.
  template <int NV>
  OCTAVO_INLINE void take(const uint8_t* residual, typename V::Float* others) const {
    codes.template take<NV>(V::template spread<NV>(V::load(residual)), others);
  }

  // NV vectors of accumulators of a row with its residual, rounded, for to.pack().
  template <int NV>
  OCTAVO_INLINE void round(const typename V::Int* acc, const float* multiplier,
                           const typename V::Float* others, typename V::Int* q) const {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const auto value = V::multiply(V::toFloat(acc[j]), V::loadFloat(multiplier + j * V::kWords));
      // Bounds are integers: rounding before or after them is the same.
      const auto code = V::round(V::min(V::max(value, codeLow), codeHigh));
      q[j] = V::toInt(
          V::add(V::multiply(code, codeMultiplier), V::multiply(others[j], residualMultiplier)));
    }
  }

  typename V::Float codeLow, codeHigh, codeMultiplier, residualMultiplier;
  Codes<V> codes;
  RequantizeFractions<V> to;  // its sums fit int32, as products with fractions do
};

}  // namespace
}  // namespace octavo
