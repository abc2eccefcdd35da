// The kernels of the family as templates over a vector vocabulary V (kernels/simd).
#pragma once

#include "native/kernels/quantize/quantize.h"
#include "native/kernels/scalar.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename V, bool isSigned>
OCTAVO_INLINE void quantizeTo(const QuantizeArgs& args) {
  const int32_t lowest = isSigned ? -128 : 0;
  const auto scale = V::setFloat(args.scale);
  const auto low = V::setFloat(static_cast<float>(lowest - args.zero));
  const auto high = V::setFloat(static_cast<float>(lowest + 255 - args.zero));
  const auto zero = V::set16(args.zero);
  const auto round = [&](const float* x) {
    const auto quotient = V::divide(V::loadFloat(x), scale);
    return V::toInt(V::min(V::max(quotient, low), high));
  };
  size_t i = 0;
  for (; i + V::kBytes <= args.count; i += V::kBytes) {
    const float* x = args.x + i;
    const auto ab = V::add16(V::pack32(round(x), round(x + V::kWords)), zero);
    const auto cd = V::add16(V::pack32(round(x + 2 * V::kWords), round(x + 3 * V::kWords)), zero);
    V::store(args.y + i, V::unlace(isSigned ? V::pack16(ab, cd) : V::pack16Unsigned(ab, cd)));
  }
  for (; i < args.count; ++i) {
    args.y[i] = static_cast<uint8_t>(
        roundToInteger(args.x[i] / args.scale, args.zero, lowest, lowest + 255));
  }
}

template <typename V>
inline void quantize(const QuantizeArgs& args) {
  args.isSigned ? quantizeTo<V, true>(args) : quantizeTo<V, false>(args);
}

template <typename V, bool isSigned>
OCTAVO_INLINE void dequantizeFrom(const DequantizeArgs& args) {
  const auto scale = V::setFloat(args.scale);
  const auto zero = V::set32(args.zero);
  size_t i = 0;
  for (; i + V::kWords <= args.count; i += V::kWords) {
    const auto q = isSigned ? V::widenS8(args.x + i) : V::widenU8(args.x + i);
    V::storeFloat(args.y + i, V::multiply(V::toFloat(V::sub32(q, zero)), scale));
  }
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
  auto low = V::setFloat(*args.low), high = V::setFloat(*args.high);
  size_t i = 0;
  for (; i + V::kWords <= args.count; i += V::kWords) {
    const auto x = V::loadFloat(args.x + i);
    low = V::min(x, low);
    high = V::max(x, high);
  }
  float lows[V::kWords], highs[V::kWords];
  V::storeFloat(lows, low);
  V::storeFloat(highs, high);
  for (int j = 0; j < V::kWords; ++j) {
    *args.low = lows[j] < *args.low ? lows[j] : *args.low;
    *args.high = highs[j] > *args.high ? highs[j] : *args.high;
  }
  for (; i < args.count; ++i) {
    *args.low = args.x[i] < *args.low ? args.x[i] : *args.low;
    *args.high = args.x[i] > *args.high ? args.x[i] : *args.high;
  }
}

}  // namespace
}  // namespace octavo
