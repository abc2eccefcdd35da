// Between float32 and integers of 8 bits, a run of neighbours with one scale and zero point at a
// time or by scales that the numbers themselves decide, and the range of a float32 vector.
// ops/quantizelinear, ops/dequantizelinear, ops/dynamicquantizelinear and ops/dynamicquantizerows
// drive them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

// y = clamp(rne(x / scale) + zero) to uint8 or, if `isSigned`, int8; NaN becomes the lowest.
struct QuantizeArgs {
  const float* x;
  uint8_t* y;
  size_t count;
  float scale;
  int32_t zero;
  bool isSigned;
};

// y = (x - zero) * scale of uint8 or int8.
struct DequantizeArgs {
  const uint8_t* x;
  float* y;
  size_t count;
  float scale;
  int32_t zero;
  bool isSigned;
  bool streams = false;  // y is too long for a cache, and is written around it
};

// Lowers *low to the lowest of x and raises *high to the highest; NaN is passed over.
struct RangeArgs {
  const float* x;
  size_t count;
  float *low, *high;
};

// Each row by its own scale: its largest magnitude / 127, or 1 where that is 0; NaN is passed over.
// Then as QuantizeArgs has it, with a zero point of 128 to uint8 or, if `isSigned`, of 0 to int8.
struct QuantizeRowsArgs {
  const float* x;  // rows × depth
  uint8_t* y;
  float* scale;  // of each row
  size_t rows, depth;
  bool isSigned;
};

struct QuantizeKernel {
  const char* name;
  Isa isa;
  void (*run)(const QuantizeArgs& args);
};

struct DequantizeKernel {
  const char* name;
  Isa isa;
  void (*run)(const DequantizeArgs& args);
};

struct RangeKernel {
  const char* name;
  Isa isa;
  void (*run)(const RangeArgs& args);
};

struct QuantizeRowsKernel {
  const char* name;
  Isa isa;
  void (*run)(const QuantizeRowsArgs& args);
};

const QuantizeKernel& chooseQuantize(Isa isa);
const DequantizeKernel& chooseDequantize(Isa isa);
const RangeKernel& chooseRange(Isa isa);
const QuantizeRowsKernel& chooseQuantizeRows(Isa isa);

}  // namespace octavo
