// Elements as numbers: the C++ type of what lies in a tensor. The 16-bit floats are no numbers
// here, bools are bytes of 0 and 1.
#pragma once

#include <cstdint>

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

}  // namespace octavo
