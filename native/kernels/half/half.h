// float16 and bfloat16 to float32, exactly: weights that are stored in half the bytes and computed
// with as float32. ops/matmul and ops/conv widen what they are about to multiply, block by block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

// y[i] is the value of x[i]. NaN stays a NaN.
struct WidenArgs {
  const uint16_t* x;
  float* y;
  size_t count;
};

struct WidenKernel {
  const char* name;
  Isa isa;
  void (*run)(const WidenArgs& args);
};

const WidenKernel& chooseWidenFloat16(Isa isa);
const WidenKernel& chooseWidenBfloat16(Isa isa);

}  // namespace octavo
