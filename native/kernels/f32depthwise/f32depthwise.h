// Depthwise convolution of float32 channels-last images: every channel by its own window.
// ops/depthwise drives it, a run of neighbouring output pixels of one or two lines at a time whose
// windows are cut alike by the borders.
//
// A call computes, for `lines` × `pixels` × `channels` results,
//   y[l][p][c] = clamp(bias[c] + Σ_i Σ_j x[i][j][l][p][c] · weight[i][j][c], lower, upper)
// with cell (i, j) of pixel p of line l at
//   x + i * rowStride + j * cellStride + l * lineStride + p * pixelStride.
// Channels come in blocks of kDepthwiseBlock: a block of the packed weights holds the bias and then
// every cell of the window, cut off or not, a vector each; cells are weightRow to a row of the
// window.
//
// Kernels add products in ascending order of i and j, fused or not. NaN gives NaN.
#pragma once

#include <cstddef>

#include "native/cpu/isa.h"

namespace octavo {

constexpr size_t kDepthwiseBlock = 16;
// A call has no more.
constexpr size_t kDepthwiseLines = 2;

struct FloatDepthwiseArgs {
  const float* x;
  size_t rows, rowStride;
  size_t cells, cellStride;
  size_t lines, lineStride;
  size_t pixels, pixelStride;
  size_t channels;

  const float* bias;     // of the first block, 64-byte aligned
  const float* weights;  // cell (0, 0) of the first block
  size_t weightRow;      // cells
  size_t blockStride;    // elements from block to block, of bias and weights

  float* y;  // pixel p of line l begins at y + l * yLine + p * yStride
  size_t yLine, yStride;
  float lower, upper;
};

struct FloatDepthwiseKernel {
  const char* name;
  Isa isa;
  void (*run)(const FloatDepthwiseArgs& args);
};

const FloatDepthwiseKernel& chooseFloatDepthwise(Isa isa);

}  // namespace octavo
