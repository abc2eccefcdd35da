// Transposes a matrix of elements of 1, 2, 4 or 8 bytes: y[column * yStride + row] =
// x[row * xStride + column]. ops/transpose cuts any permutation into such planes, and tiles large
// ones.
#pragma once

#include <cstddef>

#include "native/cpu/isa.h"

namespace octavo {

struct TransposeArgs {
  const void* x;
  void* y;
  size_t xStride, yStride;  // in elements
  size_t rows, columns;     // of x
};

struct TransposeKernel {
  const char* name;
  Isa isa;
  size_t bytes;  // of an element
  void (*run)(const TransposeArgs& args);
};

// For elements of 1, 2, 4 or 8 bytes.
const TransposeKernel& chooseTranspose(Isa isa, size_t bytes);

}  // namespace octavo
