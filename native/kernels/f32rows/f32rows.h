// Functions along the last axis of float32 tensors: softmax, layer and local response
// normalization, and the folds that reductions are made of. ops/softmax, ops/lrn and ops/reduce
// drive them.
//
// Lrn gives the same bits in all kernels (for beta = 0.75); so do maxima and minima. Sums agree
// with the exact sum, rounded once, within a few units in the last place of the sum of magnitudes.
// NaN gives NaN.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

struct SoftmaxArgs {
  const float* x;  // rows × length
  float* y;
  size_t rows, length;
};

// y = (x - mean) / √(variance + epsilon) · scale + bias, where x + residual, rounded, takes the
// place of x if there is a residual
struct LayerNormArgs {
  const float* x;  // rows × length
  float* y;
  size_t rows, length;
  const float* scale;     // length
  const float* bias;      // length, or null
  const float* residual;  // rows × length, or null
  float epsilon;
};

struct LrnArgs {
  const float* x;  // rows × channels
  float* y;
  size_t rows, channels;
  size_t before, after;  // neighbours summed on either side
  float weight, bias, beta;
  float* squares;  // room for lrnSquares(args) values
};

// The squares of a row, zeros around them, and slack for whole vectors.
inline size_t lrnSquares(const LrnArgs& args) {
  return args.before + args.channels + args.after + 32;
}

enum class FoldKind : int32_t { kSum, kMax, kMin };

struct FoldArgs {
  FoldKind kind;
  const float* x;
  size_t count;
  // What was folded before: foldRow folds all of x into values[0], foldColumns x[i] into values[i].
  double* values;
};

struct RowsKernel {
  const char* name;
  Isa isa;
  void (*softmax)(const SoftmaxArgs& args);
  void (*layerNorm)(const LayerNormArgs& args);
  void (*lrn)(const LrnArgs& args);
  void (*foldRow)(const FoldArgs& args);
  void (*foldColumns)(const FoldArgs& args);
};

const RowsKernel& chooseRows(Isa isa);

}  // namespace octavo
