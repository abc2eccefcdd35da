// The kernels of the family as templates over a vector vocabulary V (kernels/simd).
#pragma once

#include <string.h>

#include "native/kernels/quantize/quantize.h"
#include "native/kernels/scalar.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// V::kBytes neighbours by division, as the contract has it.
template <typename V, bool isSigned>
OCTAVO_NOINLINE typename V::Int quantizeByDivision(const float* from, float divisor, int32_t zero) {
  const int32_t lowest = isSigned ? -128 : 0;
  const auto scale = V::setFloat(divisor), low = V::setFloat(static_cast<float>(lowest - zero));
  const auto high = V::setFloat(static_cast<float>(lowest + 255 - zero));
  const auto zeros = V::set16(zero);
  const auto round = [&](const float* x) {
    const auto quotient = V::divide(V::loadFloat(x), scale);
    return V::toInt(V::min(V::max(quotient, low), high));
  };
  const auto pair = [&](const float* x) {
    return V::add16(V::pack32(round(x), round(x + V::kWords)), zeros);
  };
  const auto ab = pair(from), cd = pair(from + 2 * V::kWords);
  return V::unlace(isSigned ? V::pack16(ab, cd) : V::pack16Unsigned(ab, cd));
}

// What is left from element i on.
template <bool isSigned>
OCTAVO_INLINE void quantizeRest(const QuantizeArgs& args, size_t i) {
  const int32_t lowest = isSigned ? -128 : 0;
  for (; i < args.count; ++i) {
    args.y[i] = static_cast<uint8_t>(
        roundToInteger(args.x[i] / args.scale, args.zero, lowest, lowest + 255));
  }
}

// Dividing takes several times as long as all the rest, so that it is done only where it matters.
//
// Let q = f32(x / scale). Two factors close to 1 / scale are multiplied with x instead, one two
// units in the last place below r = f32(1 / scale), one two above. r is within half a unit of
// 1 / scale, so the factors are off by 1.5 units at least, each to its side; a unit is 2^-24 of r
// or more; and q is within 2^-24 of x / scale. Therefore q lies strictly between the two products.
//
// To each product 1.5 · 2^23 + zero is added, in one operation with one rounding. Below 2^22 that
// rounds to an integer; it never turns order round. If both sums are the same, then all numbers
// between the products round to it. Then q is not half way between two integers, as in this case
// numbers just above and just below it would round apart; so the sum is rne(q) + zero exactly,
// whatever the parity of zero. If they differ, the vector is divided.
//
// Where the sums are not integers, from 2^22 on and for infinite x, both the sums and q + zero are
// beyond the bounds, on the same side. A quotient that is too small for a normal float32 is 0
// either way. NaN gives two sums with the same bits, and becomes the lowest in max().
//
// The bits of the sum, minus those of 1.5 · 2^23, are the result as an integer, from the lowest
// upwards; packing saturates it at the highest.
template <typename V, bool isSigned>
OCTAVO_INLINE void quantizeTo(const QuantizeArgs& given) {
  const QuantizeArgs args = given;  // no store can change it
  const int32_t lowest = isSigned ? -128 : 0;
  const float inverse = 1 / args.scale, origin = 12582912.0f;
  uint32_t bits;
  memcpy(&bits, &inverse, sizeof bits);
  // Both factors are numbers: the scale is neither 0 nor infinite, nor so small that 1 / scale is.
  const uint32_t magnitude = bits & 0x7fffffff;
  const bool multiplies = magnitude > 2 && magnitude < 0x7f7ffffe;
  const auto less = V::fromBits(V::set32(static_cast<int32_t>(bits - 2)));
  const auto more = V::fromBits(V::set32(static_cast<int32_t>(bits + 2)));
  const auto start = V::setFloat(origin + static_cast<float>(args.zero));
  const auto low = V::setFloat(origin + static_cast<float>(lowest));
  const auto originBits = V::bits(V::setFloat(origin));
  size_t i = 0;
  for (; i + V::kBytes <= args.count; i += V::kBytes) {
    const float* x = args.x + i;
    auto differences = V::zero();
    const auto round = [&](const float* from) {
      const auto value = V::loadFloat(from);
      const auto sum = V::multiplyAdd(value, less, start);
      const auto other = V::multiplyAdd(value, more, start);
      differences = V::bitOr(differences, V::exclusiveOr(V::bits(sum), V::bits(other)));
      return V::sub32(V::bits(V::max(sum, low)), originBits);
    };
    const auto a = round(x), b = round(x + V::kWords);
    const auto c = round(x + 2 * V::kWords), d = round(x + 3 * V::kWords);
    const auto ab = V::pack32(a, b), cd = V::pack32(c, d);
    auto y = V::unlace(isSigned ? V::pack16(ab, cd) : V::pack16Unsigned(ab, cd));
    if (!multiplies || !V::isZero(differences)) {
      y = quantizeByDivision<V, isSigned>(x, args.scale, args.zero);
    }
    V::store(args.y + i, y);
  }
  quantizeRest<isSigned>(args, i);
}

template <typename V>
inline void quantize(const QuantizeArgs& args) {
  args.isSigned ? quantizeTo<V, true>(args) : quantizeTo<V, false>(args);
}

// For vectors that can't multiply and add with one rounding.
template <typename V, bool isSigned>
OCTAVO_INLINE void quantizeAllByDivision(const QuantizeArgs& args) {
  size_t i = 0;
  for (; i + V::kBytes <= args.count; i += V::kBytes) {
    V::store(args.y + i, quantizeByDivision<V, isSigned>(args.x + i, args.scale, args.zero));
  }
  quantizeRest<isSigned>(args, i);
}

template <typename V>
inline void quantizeDividing(const QuantizeArgs& args) {
  args.isSigned ? quantizeAllByDivision<V, true>(args) : quantizeAllByDivision<V, false>(args);
}

template <typename V, bool isSigned>
OCTAVO_INLINE void dequantizeFrom(const DequantizeArgs& given) {
  const DequantizeArgs args = given;
  const auto scale = V::setFloat(args.scale);
  const auto zero = V::set32(args.zero);
  const bool streams = args.streams && reinterpret_cast<uintptr_t>(args.y) % V::kBytes == 0;
  size_t i = 0;
  for (; i + V::kWords <= args.count; i += V::kWords) {
    const auto q = isSigned ? V::widenS8(args.x + i) : V::widenU8(args.x + i);
    const auto y = V::multiply(V::toFloat(V::sub32(q, zero)), scale);
    streams ? V::stream(args.y + i, V::bits(y)) : V::storeFloat(args.y + i, y);
  }
  if (streams) V::endStream();
  for (; i < args.count; ++i) {
    const int32_t q = isSigned ? static_cast<int8_t>(args.x[i]) : args.x[i];
    args.y[i] = static_cast<float>(q - args.zero) * args.scale;
  }
}

template <typename V>
inline void dequantize(const DequantizeArgs& args) {
  args.isSigned ? dequantizeFrom<V, true>(args) : dequantizeFrom<V, false>(args);
}

template <typename V>
inline void range(const RangeArgs& args) {
  // Several, as each waits for its own last result.
  constexpr int kChains = 4;
  decltype(V::setFloat(0)) low[kChains], high[kChains];
  for (int j = 0; j < kChains; ++j) {
    low[j] = V::setFloat(*args.low);
    high[j] = V::setFloat(*args.high);
  }
  size_t i = 0;
  for (; i + kChains * V::kWords <= args.count; i += kChains * V::kWords) {
    for (int j = 0; j < kChains; ++j) {
      const auto x = V::loadFloat(args.x + i + j * V::kWords);
      low[j] = V::min(x, low[j]);
      high[j] = V::max(x, high[j]);
    }
  }
  for (int j = 1; j < kChains; ++j) {
    low[0] = V::min(low[j], low[0]);
    high[0] = V::max(high[j], high[0]);
  }
  float lows[V::kWords], highs[V::kWords];
  V::storeFloat(lows, low[0]);
  V::storeFloat(highs, high[0]);
  for (int j = 0; j < V::kWords; ++j) {
    *args.low = lows[j] < *args.low ? lows[j] : *args.low;
    *args.high = highs[j] > *args.high ? highs[j] : *args.high;
  }
  for (; i < args.count; ++i) {
    *args.low = args.x[i] < *args.low ? args.x[i] : *args.low;
    *args.high = args.x[i] > *args.high ? args.x[i] : *args.high;
  }
}

template <typename V>
inline float largestMagnitude(const float* x, size_t count) {
  constexpr int kChains = 4;
  typename V::Float most[kChains];
  for (int j = 0; j < kChains; ++j) most[j] = V::setFloat(0);
  // NaN is not more than anything: the second operand comes through.
  size_t i = 0;
  for (; i + kChains * V::kWords <= count; i += kChains * V::kWords) {
    for (int j = 0; j < kChains; ++j) {
      most[j] = V::max(V::absolute(V::loadFloat(x + i + j * V::kWords)), most[j]);
    }
  }
  for (; i < count; i += V::kWords) {
    const size_t n = count - i < V::kWords ? count - i : V::kWords;
    most[0] = V::max(V::absolute(V::loadFloats(x + i, n)), most[0]);
  }
  return V::largest(V::max(V::max(most[0], most[1]), V::max(most[2], most[3])));
}

// The scales of some rows first: each waits for the end of its row, the next row does not.
template <typename V, typename Quantize>
inline void quantizeRows(const QuantizeRowsArgs& given, Quantize&& quantizeRow) {
  constexpr size_t kFloatsTogether = 4096;
  const QuantizeRowsArgs args = given;
  const size_t depth = args.depth, fit = depth == 0 ? args.rows : kFloatsTogether / depth;
  const size_t together = fit < 1 ? 1 : fit;
  for (size_t first = 0; first < args.rows; first += together) {
    const size_t end = args.rows - first < together ? args.rows : first + together;
    for (size_t row = first; row < end; ++row) {
      const float step = largestMagnitude<V>(args.x + row * depth, depth) / 127.0f;
      args.scale[row] = step > 0 ? step : 1;
    }
    for (size_t row = first; row < end; ++row) {
      quantizeRow({args.x + row * depth, args.y + row * depth, depth, args.scale[row],
                   args.isSigned ? 0 : 128, args.isSigned});
    }
  }
}

}  // namespace
}  // namespace octavo
