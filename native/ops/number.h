// Elements as numbers: the C++ type of what lies in a tensor. The 16-bit floats are no numbers
// here, bools are bytes of 0 and 1. What several steps compute of two numbers: see
// src/numerics/arithmetic.ts.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "native/plan/tensor.h"

namespace octavo {

// use(T{}) for the T of a type; for a type that is no number, a result of zero (a null pointer).
template <typename Use>
auto withNumber(DataType type, Use&& use) -> decltype(use(float{})) {
  switch (type) {
    case DataType::kFloat32:
      return use(float{});
    case DataType::kFloat64:
      return use(double{});
    case DataType::kInt8:
      return use(int8_t{});
    case DataType::kUint8:
    case DataType::kBool:
      return use(uint8_t{});
    case DataType::kInt16:
      return use(int16_t{});
    case DataType::kUint16:
      return use(uint16_t{});
    case DataType::kInt32:
      return use(int32_t{});
    case DataType::kUint32:
      return use(uint32_t{});
    case DataType::kInt64:
      return use(int64_t{});
    case DataType::kUint64:
      return use(uint64_t{});
    default:
      return {};
  }
}

// Integers compute in 64 unsigned bits, of which the low ones count.
template <typename T>
T low(uint64_t bits) {
  return static_cast<T>(bits);
}

template <typename T>
T sum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a + b;
  else
    return low<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

template <typename T>
T product(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a * b;
  else
    return low<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// Math.min and Math.max: NaN wins, and -0 is less than 0.
template <typename T>
T least(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? a : b;
  }
  return a < b ? a : b;
}

template <typename T>
T greatest(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a > b ? a : b;
}

}  // namespace octavo
