// Depthwise convolution: every channel has a window of its own, so that the vector runs over
// channels and the dot product over taps. ops/qdepthwise drives it.
//
// A call computes one row of outputs for one block of channels. Pixels come through a grid of
// pointers, one for each place of the padded input, so that borders need no code of their own. Four
// taps are one dot product: bytes of four pixels are transposed in registers, which leaves channels
// in the order of panelColumn() (kernels/dot/dot.h) that packing undoes.
//
// A kernel without a dot product instruction takes its weights as int16, wide: of the four weights
// w0 w1 w2 w3 of each position, a vector of pairs (w0, w2) and then one of pairs (w1, w3). Wide
// weights need no more than one tap for a weight less its zero point.
//
// Up to kernel.channels − 1 bytes are read beyond a pixel's last channel; kTensorSlack covers them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

struct DepthwiseArgs {
  // Pointer of tap t for output o: grid[tapAt[t] + o * step] + offset. `tapAt` has four entries for
  // each quad; those without a tap repeat another and have weight 0.
  const uint8_t* const* grid;
  const int32_t* tapAt;
  size_t quads;
  size_t step;
  size_t offset;
  size_t outputs;

  const int8_t* weights;    // [quad][shift][position][4], or wide; 64-byte aligned
  const int32_t* bias;      // one for each position of the block
  const float* multiplier;  // likewise

  uint8_t* y;  // output o begins at y + o * yStride
  size_t yStride;
  size_t channels;  // that are stored, from 1 to the kernel's
  int32_t zero, min, max;
};

// kTaps: any window; a quad is any four taps; one shift.
// kRows: windows 3 wide with neighbouring pixels and outputs (stride and dilation 1 along the row).
// A quad
//   is a row of the window and one pixel more, which serves two neighbouring outputs: shift 0 holds
//   the weights w0 w1 w2 0, shift 1 holds 0 w0 w1 w2. The grid has one more place at the end of
//   each row.
enum class DepthwiseForm : int32_t { kTaps, kRows };

struct DepthwiseKernel {
  const char* name;
  Isa isa;
  int channels;  // of a block
  int lanes;     // of 128 bits, for panelColumn()
  DepthwiseForm form;
  int weightBytes;  // 1, or 2 for wide weights
  bool evex;        // a kernel of AVX-VNNI in the encoding of AVX-512, see cpu/isa.h
  void (*run)(const DepthwiseArgs& args);
};

const DepthwiseKernel* depthwiseKernels(size_t* count);

// The kernel for the next block of `channels` that are left: the widest that they fill, or else the
// narrowest. kTaps exists for every instruction set; null where `form` doesn't.
const DepthwiseKernel* chooseDepthwise(Isa isa, DepthwiseForm form, size_t channels);

// The kernel of that name, or null; whether it fits CPU and window is the caller's to check.
const DepthwiseKernel* findDepthwise(const char* name);

}  // namespace octavo
