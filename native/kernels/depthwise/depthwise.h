// Depthwise convolution: every channel has a window of its own, so that the vector runs over
// channels and the dot product over taps. ops/qdepthwise drives it.
//
// Four taps, a quad, are one dot product: bytes of four pixels are transposed in registers, which
// leaves channels in the order of panelColumn() (kernels/dot/dot.h) that packing undoes. There are
// two forms. kTaps computes one row of outputs of any window, each output from pixels of its own.
// kRows computes a strip of several rows: it transposes each input row once, into scratch memory,
// as cells that all outputs share.
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

// kTaps: any window; a quad is any four taps; one shift.
// kRows: windows with dilation 1 along the row and stride 1 or 2. A quad is four neighbouring
// pixels of a row, and a cell holds a quad's bytes for the channels of a block. Cell j begins two
// pixels behind cell j − 1. With stride 2 it begins output j's windows; with stride 1 it serves
// outputs 2j and 2j + 1: shift 0 holds weights w0 w1 w2 w3, shift 1 holds 0 w0 w1 w2. Wider windows
// go on in cells j + 2, j + 4 ... Sums and their products with the multiplier must fit int32.
enum class DepthwiseForm : int32_t { kTaps, kRows };

// What becomes of the sums, from left to right: clamp(rne(f32(sum) * multiplier) + zero, min, max);
// the sums themselves; clamp(f32(sum) * multiplier + addend, lower, upper). kRows gives uint8
// alone.
enum class DepthwiseOutput : int32_t { kUint8, kInt32, kFloat32 };

// kTaps. Pointer of tap t for output o: grid[tapAt[t] + o * step] + offset. `tapAt` has four
// entries for each quad; those without a tap repeat another and have weight 0.
struct DepthwiseTaps {
  const uint8_t* const* grid;
  const int32_t* tapAt;
  size_t step;
};

// kRows. Windows of row o of the strip's outputs begin at input row o * stride.
struct DepthwiseRows {
  const uint8_t* const* rows;  // where column 0 lies; null for a row of padding
  size_t pixelStride;
  const uint8_t* padding;  // one pixel
  int64_t column;          // of the strip's first pixel; less than 0 in the padding
  int64_t width;           // of the image: from there on is padding
  size_t count;            // rows of outputs
  size_t stride;           // of rows
  size_t span;             // rows that a window reaches over
  size_t reach;            // cells of a row of the window, less one
  size_t newest;  // of windows of three quads, rows: how many of them, 1 or 2, begin with the
                  // row of outputs; 0 for other windows
  size_t shifts;  // outputs of a cell
  size_t yRow;    // bytes from one row of outputs to the next

  // Scratch memory for cells of `span` input rows, row r in slot r % span, 4 * plane bytes each:
  // plane j holds vector j of each cell, or, where a cell fills vectors, its own vectors lie
  // together. Quad q of a window whose first row is in slot s finds the strip's first cell at
  // quadAt[s * quads + q].
  uint8_t* cells;  // 64-byte aligned
  size_t plane;    // bytes; vectors are read that begin at any cell of the strip
  const uint8_t* const* quadAt;
};

struct DepthwiseArgs {
  DepthwiseTaps taps;
  DepthwiseRows rows;

  size_t quads;
  size_t offset;  // of the block's first channel in a pixel
  size_t outputs;

  const int8_t* weights;    // [quad][shift][position][4], or wide; 64-byte aligned
  const int32_t* bias;      // one for each position of the block
  const float* multiplier;  // likewise; not read for int32
  const float* addend;      // likewise, or null; of float32

  uint8_t* y;  // output o begins at y + o * yStride
  size_t yStride;
  size_t channels;  // that are stored, from 1 to the kernel's
  DepthwiseOutput output;
  int32_t zero, min, max;
  float lower, upper;
};

struct DepthwiseKernel {
  const char* name;
  Isa isa;
  int channels;  // of a block
  int lanes;     // of 128 bits of a vector, for panelColumn()
  DepthwiseForm form;
  int weightBytes;  // 1, or 2 for wide weights
  bool evex;        // a kernel of AVX-VNNI in the encoding of AVX-512, see cpu/isa.h
  bool shifted;     // multiplies u8 - 128: 128 · Σ weight must have been added to the bias
  void (*run)(const DepthwiseArgs& args);

  // Positions are the int32 of four vectors. Where a vector holds several cells, channels repeat.
  size_t positions() const { return static_cast<size_t>(16 * lanes); }
  size_t channelAt(size_t position) const;

  // Whether it computes two rows of outputs at a time where windows are three rows of one quad, so
  // that only cells pass through memory which later rows of outputs read (pairs.h).
  bool inPairs() const { return form == DepthwiseForm::kRows && lanes == 4 && weightBytes == 1; }
};

const DepthwiseKernel* depthwiseKernels(size_t* count);

// The kernel for the next block of `channels` that are left. kTaps exists for every instruction
// set; null where `form` doesn't.
const DepthwiseKernel* chooseDepthwise(Isa isa, DepthwiseForm form, size_t channels);

// The kernel of that name, or null; whether it fits CPU and window is the caller's to check.
const DepthwiseKernel* findDepthwise(const char* name);

}  // namespace octavo
