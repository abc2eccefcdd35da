// The end of a product whose results have four bytes: sums as they are, or float32.
#pragma once

#include <stddef.h>
#include <string.h>

#include "native/kernels/dot/dot.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// Bounds that bound nothing.
inline bool isUnbounded(const DotArgs& args) {
  return args.lower < -3.4028234664e38f && args.upper > 3.4028234664e38f;
}

// A whole tile, not bounded, to float32 from where it is.
template <typename V, int MR, int NV>
OCTAVO_INLINE void storeFloats(const DotArgs& args, size_t row, uint8_t* const* y,
                               const typename V::Int (*acc)[NV]) {
  static constexpr float kOne = 1;
  const float* scales = args.rowScale == nullptr ? &kOne : args.rowScale + row;
  const size_t step = args.rowScale == nullptr ? 0 : 1;
  const float *multipliers = args.multiplier, *addends = args.addend;
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) {
    const auto multiplier = V::loadFloat(multipliers + j * V::kWords);
    // Of all numbers, -0 alone changes none that it is added to.
    const auto addend =
        addends == nullptr ? V::setFloat(-0.0f) : V::loadFloat(addends + j * V::kWords);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const auto product = V::multiply(V::multiply(V::toFloat(acc[i][j]), multiplier),
                                       V::setFloat(scales[i * step]));
      V::storeFloat(reinterpret_cast<float*>(y[i] + j * V::kBytes), V::add(product, addend));
    }
  }
}

// Sums to float32: what is the same in all rows, in registers.
template <typename V, int NV>
struct ToFloat {
  explicit ToFloat(const DotArgs& args)
      : lower(V::setFloat(args.lower)), upper(V::setFloat(args.upper)) {
    for (int j = 0; j < NV; ++j) {
      multiplier[j] = V::loadFloat(args.multiplier + j * V::kWords);
      // Of all numbers, -0 alone changes none that it is added to.
      addend[j] =
          args.addend == nullptr ? V::setFloat(-0.0f) : V::loadFloat(args.addend + j * V::kWords);
    }
  }

  OCTAVO_INLINE void apply(float rowScale, typename V::Int* words) const {
    const auto scale = V::setFloat(rowScale);
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const auto product = V::multiply(V::multiply(V::toFloat(words[j]), multiplier[j]), scale);
      const auto value = V::add(product, addend[j]);
      words[j] = V::bits(V::min(upper, V::maxOrNan(value, lower)));
    }
  }

  typename V::Float multiplier[NV], addend[NV], lower, upper;
};

// Rows of accumulators in memory, each in the order of positions. The first is row `row` of the
// call.
template <typename V, int NV, bool isFloat>
OCTAVO_NOINLINE void storeWords(const DotArgs& given, size_t row, uint8_t* const* y, size_t count,
                                const int32_t* acc) {
  const DotArgs args = given;
  const ToFloat<V, NV> to(args);
  for (size_t i = 0; i < count; ++i, acc += NV * V::kWords) {
    typename V::Int words[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) words[j] = V::load(acc + j * V::kWords);
    if (isFloat) to.apply(args.rowScale == nullptr ? 1 : args.rowScale[row + i], words);
    if (args.columns == NV * V::kWords) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) V::store(y[i] + j * V::kBytes, words[j]);
    } else {
      int32_t whole[NV * V::kWords];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) V::store(whole + j * V::kWords, words[j]);
      memcpy(y[i], whole, args.columns * sizeof(int32_t));
    }
  }
}

template <typename V, int NV>
inline void storeWords(const DotArgs& args, size_t row, uint8_t* const* y, size_t count,
                       const int32_t* acc) {
  if (args.output == DotOutput::kFloat32) {
    storeWords<V, NV, true>(args, row, y, count, acc);
  } else {
    storeWords<V, NV, false>(args, row, y, count, acc);
  }
}

}  // namespace
}  // namespace octavo
