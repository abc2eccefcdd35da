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
  explicit SumWithResidual(const DotArgs& args)
      : codeLow(V::setFloat(static_cast<float>(args.min - args.zero))),
        codeHigh(V::setFloat(static_cast<float>(args.max - args.zero))),
        codeMultiplier(V::setFloat(args.sum->codeMultiplier)),
        residualMultiplier(V::setFloat(args.sum->residualMultiplier)),
        codes(args.sum->residualZero),
        to(args.sum->zero, args.sum->min, args.sum->max) {}

  // NV vectors of accumulators of a row with its residual, rounded, for to.pack().
  template <int NV>
  OCTAVO_INLINE void round(const int32_t* acc, const float* multiplier, const uint8_t* residual,
                           typename V::Int* q) const {
    typename V::Float others[NV];
    codes.template take<NV>(V::template spread<NV>(V::load(residual)), others);
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const auto value = V::multiply(V::toFloat(V::load(acc + j * V::kWords)),
                                     V::loadFloat(multiplier + j * V::kWords));
      // Bounds are integers: rounding before or after them is the same.
      const auto code = V::round(V::min(V::max(value, codeLow), codeHigh));
      q[j] = to.round(
          V::add(V::multiply(code, codeMultiplier), V::multiply(others[j], residualMultiplier)));
    }
  }

  typename V::Float codeLow, codeHigh, codeMultiplier, residualMultiplier;
  Codes<V> codes;
  Requantize<V> to;
};

}  // namespace
}  // namespace octavo
