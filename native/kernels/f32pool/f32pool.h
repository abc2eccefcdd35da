// The average of the cells of one window, for each channel of a channels-last image.
// ops/averagepool drives it, once for each output pixel.
//
// Kernels sum in other orders: they agree within a few units in the last place of the average
// magnitude.
#pragma once

#include <cstddef>

#include "native/cpu/isa.h"

namespace octavo {

struct AveragePoolArgs {
  // Cell (i, j) of the window begins at x + i * rowStride + j * cellStride, in elements.
  const float* x;
  size_t rows, rowStride;
  size_t cells, cellStride;
  size_t channels;
  float divisor;
  float* y;
};

struct AveragePoolKernel {
  const char* name;
  Isa isa;
  void (*run)(const AveragePoolArgs& args);
};

const AveragePoolKernel& chooseAveragePool(Isa isa);

}  // namespace octavo
