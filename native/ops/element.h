// Elements as steps that move them see them: so many bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "native/ops/check.h"
#include "native/plan/tensor.h"

namespace octavo {

// Bytes of an element; 0 for types that are packed into bytes.
inline size_t elementBytes(DataType type) {
  switch (type) {
    case DataType::kInt8:
    case DataType::kUint8:
    case DataType::kBool:
      return 1;
    case DataType::kFloat16:
    case DataType::kBfloat16:
    case DataType::kInt16:
    case DataType::kUint16:
      return 2;
    case DataType::kFloat32:
    case DataType::kInt32:
    case DataType::kUint32:
      return 4;
    case DataType::kFloat64:
    case DataType::kInt64:
    case DataType::kUint64:
      return 8;
    default:
      return 0;
  }
}

// use(Word{}) for the unsigned integer of so many bytes: 1, 2, 4 or 8.
template <typename Use>
void withWord(size_t bytes, Use&& use) {
  switch (bytes) {
    case 1:
      return use(uint8_t{});
    case 2:
      return use(uint16_t{});
    case 4:
      return use(uint32_t{});
    default:
      return use(uint64_t{});
  }
}

// y[i] = x[i * stride], elements of Element's size.
template <typename Element>
void copyElements(const uint8_t* x, int64_t stride, int64_t count, uint8_t* y) {
  const int64_t step = stride * static_cast<int64_t>(sizeof(Element));
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(y + i * sizeof(Element), x + i * step, sizeof(Element));
}

inline void copyStrided(size_t bytes, const uint8_t* x, int64_t stride, int64_t count, uint8_t* y) {
  if (stride == 1) {
    std::memcpy(y, x, static_cast<size_t>(count) * bytes);
  } else {
    withWord(bytes, [&](auto word) { copyElements<decltype(word)>(x, stride, count, y); });
  }
}

// One input and one output, both of one whole-byte type.
inline Status takeMoved(const StepView& step, const TensorInfo** x, const TensorInfo** y) {
  *x = inputAt(step, 0);
  *y = outputAt(step, 0);
  if (*x == nullptr || *y == nullptr || (*x)->type != (*y)->type) {
    return badStep("x and y must be of one type");
  }
  if (elementBytes((*x)->type) == 0) return badStep("elements of less than a byte can't be moved");
  return {};
}

}  // namespace octavo
