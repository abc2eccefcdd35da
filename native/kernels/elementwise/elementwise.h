// Sums and products of two quantized vectors. ops/qbinary drives them, after it has reduced
// broadcasting to runs in which an operand is either a vector or one value.
//
// Up to 63 bytes beyond a vector are read; kTensorSlack covers them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

struct QBinaryArgs {
  const uint8_t *a, *b;
  uint8_t* y;
  size_t count;
  bool aIsVector, bIsVector;  // at least one of them
  int32_t aZero, bZero;
  // Sum: clamp(rne((a - aZero) * aMultiplier + (b - bZero) * bMultiplier) + zero, min, max), every
  // operation rounded to float32. Product: clamp(rne((a - aZero)(b - bZero) * aMultiplier) + zero,
  // min, max).
  float aMultiplier, bMultiplier;
  int32_t zero, min, max;
};

struct QBinaryKernel {
  const char* name;
  Isa isa;
  void (*run)(const QBinaryArgs& args);
};

const QBinaryKernel& chooseQAdd(Isa isa);
const QBinaryKernel& chooseQMul(Isa isa);

}  // namespace octavo
