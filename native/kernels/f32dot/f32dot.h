// Products of float32 rows with packed float32 columns: the kernel under Conv and MatMul. ops/conv
// and ops/matmul drive it; pack/f32panels makes what it reads.
//
// A call computes, for `rows` × `columns` results,
//   y[r][c] = clamp(start + Σ_tap Σ_k a[tap][r][k] · weight[tap][k][c], lower, upper)
// start being bias[c], or where bias is null y[r][c] as it is: so a long sum can be made in several
// calls. Rows come through pointers, and the taps of all rows (cells of a convolution's window, or
// runs of them) lie alike from there on, so that nothing is gathered and padding is no tap. A panel
// holds the weights of a kernel's `columns` output columns as [tap][k][column], 0 in columns that
// are not there.
//
// Kernels add products in ascending order of tap and k, fused or not: they agree within a unit in
// the last place of Σ |a · weight| for each product. NaN gives NaN.
//
// Kernels of pairs multiply bfloat16: what the others take for a float is two of them, neighbours
// in k, in a and in the panels alike. They add up in any order, and what lies below 2^-126 in
// magnitude, be it an operand, a product or a sum, may count as 0.
#pragma once

#include <cstddef>

#include "native/cpu/isa.h"

namespace octavo {

// Floats of a line of 64 bytes.
constexpr size_t kFloatLine = 16;

struct FloatDotArgs {
  // Row r begins at a[r] + offset, in elements.
  const float* const* a;
  size_t offset;
  size_t rows;
  // Taps come in runs: those of a run are tapStride apart, and runs begin runStride apart.
  size_t taps;  // of all runs
  size_t runTaps, tapStride, runStride;
  size_t depth;

  const float* weights;  // the panel, 64-byte aligned
  size_t weightSkip;     // elements behind the weights of a run that are not multiplied
  const float* bias;     // one for each column of the kernel, or null
  // What is multiplied by next, to be fetched meanwhile, in lines of 64 bytes; a hint, which may
  // name memory that is not there; or null.
  const float* next;
  size_t nextLines;

  float* y;  // row r begins at y + r * yStride
  size_t yStride;
  size_t columns;  // columns that are stored, from 1 to the kernel's

  float lower, upper;
};

enum class FloatDotElement { kFloat32, kBfloat16Pair };

struct FloatDotKernel {
  const char* name;
  Isa isa;
  FloatDotElement element;
  int rows;     // of a register tile: a call may have any number
  int columns;  // of a panel
  void (*run)(const FloatDotArgs& args);
};

// No kernel has wider panels.
constexpr size_t kMostFloatColumns = 64;

// The kernel for panels of up to `columns` columns: the narrowest that holds them, or else the
// widest, of the best instruction set; of any, where they are no more than one of its vectors. Null
// where no kernel multiplies pairs.
const FloatDotKernel* chooseFloatDot(Isa isa, FloatDotElement element, size_t columns);

// The kernel of that name, or null; whether it fits the CPU is the caller's to check.
const FloatDotKernel* findFloatDot(const char* name);

bool isFloatDotSupported(const FloatDotKernel& kernel);

}  // namespace octavo
