// Dot products of uint8 rows with packed int8 columns: the kernel under convolution, matrix product
// and fully connected layers. ops/qconv drives it; pack/panels makes what it reads.
//
// A call computes `rows` × `columns` accumulators
//   acc[r][c] = bias[c] + Σ_tap Σ_k a[tap][r][k] · weight[tap][k][c]      (− rowSum[r] ·
//   weightZero[c])
// and stores them requantized, as float32 or as they are, while they are still in registers. Rows
// are read where they lie, so that nothing is gathered: they come through pointers, one for each
// tap (a cell of a convolution's window), or in a grid.
//
// A panel holds the weights of `columns` output columns, in the order in which a kernel reads them:
//   [tap][k / group][position][group], the weights of k beyond a tap's depth being 0.
// A group is four bytes, a quad, for most kernels: what a dot product instruction adds up. A row is
// read a group at a time: up to group - 1 bytes beyond a tap's depth are read, meet zero weights
// and so never matter. kTensorSlack makes them readable at the end of a tensor.
//
// Panels of kSmall are quads as well, but of any four bytes of a tap, in any order: QuadSpan.
//
// Where results are bytes, position p of a panel is not column p: packing instructions work within
// lanes of 128 bits, so a kernel names the number of lanes it works in, and panelColumn() tells the
// order. bias, multiplier and weightZero are in panel order too, which makes the order of what is
// stored the natural one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

constexpr size_t kPanelSlack = 2048;

enum class DotOutput : int32_t { kUint8, kInt32, kFloat32 };

// Rows that lie in lines, and taps likewise: the outputs of a convolution whose windows lie inside
// of the input in the same way. Row r is place r % lineRows of line r / lineRows, tap t is tap t %
// runTaps of run t / runTaps. Strides are in bytes.
struct RowGrid {
  const uint8_t* first;  // tap 0 of row 0
  size_t lineRows, rowStride, lineStride;
  size_t yLineStride;  // of lines of results; those of a line are yStride apart
  size_t runTaps, tapStride, runStride;
  size_t tapSkip;     // taps between one run and the next, which lie outside
  size_t weightSkip;  // their weights
};

constexpr float kMostSumMultiplier = 1 << 20;

// A residual that is added to the codes of a uint8 product, by the arithmetic of QAdd. Up to 63
// bytes behind those of a row are read; kTensorSlack covers them.
struct DotSum {
  int32_t residualZero;
  float codeMultiplier, residualMultiplier;  // within ± kMostSumMultiplier: sums fit int32
  int32_t zero, min, max;                    // of the sum; those of DotArgs are the product's
};

// Where the quads of a tap begin, in a panel of kSmall: those that come in twos, which are small
// together, and those that come one by one. Each kind ends where the next tap's begins.
struct QuadSpan {
  uint32_t two, one;
};

struct DotArgs {
  // Pointer of tap t and row r: a[t * rows + r] + offset.
  const uint8_t* const* a;
  size_t offset;
  size_t rows;
  size_t taps;
  size_t quads;         // groups of four in a tap's depth, the last one filled up
  const RowGrid* grid;  // in place of a and offset, or null; only for kernels that take grids

  const int8_t* weights;  // the panel, 64-byte aligned
  // Of kSmall: the quads of tap t are spans[t] up to spans[t + 1], counted from `weights` on, which
  // are those of all panels. Quad q is for four bytes of a row from order[q] on, in a grid counted
  // from its first tap on. Others may be for some of these bytes too: their weights add up.
  const QuadSpan* spans;
  const uint32_t* order;
  // Likewise: how many panels are multiplied, several only where all of their columns are stored,
  // and how far it is from one's spans and tables to the next one's.
  size_t panels, panelSpans, panelPositions;
  // What will be read next, the following panel: it may be fetched on the way. None for kSmall.
  const int8_t* ahead;
  size_t aheadBytes;
  const int32_t* bias;        // one for each position of the panel
  const float* multiplier;    // likewise; not read for int32
  bool fractions;             // every |multiplier| < 1, so that no product overflows int32
  const int32_t* weightZero;  // likewise; not read where rowSum is null
  const int32_t* rowSum;  // Σ a of each row over all taps, or null: weights without a zero point

  void* y;  // row r begins at y + r * yStride bytes
  size_t yStride;
  size_t columns;  // columns that are stored, from 1 to the kernel's

  DotOutput output;
  int32_t zero, min, max;  // of uint8: clamp(rne(f32(acc) * multiplier) + zero, min, max)
  const DotSum* sum;       // of uint8, or null
  ptrdiff_t residual;      // bytes from a result's place to the code that is added there
  // Of float32: clamp(f32(acc) * multiplier * rowScale + addend, lower, upper), from left to right.
  const float* rowScale;  // one for each row, or null
  const float* addend;    // one for each position, or null
  float lower, upper;
};

// sums[r] = Σ_tap Σ_k a[tap][r][k], for weights with zero points. Up to 63 bytes beyond a row are
// read.
struct RowSumArgs {
  const uint8_t* const* a;  // as in DotArgs
  size_t offset;
  size_t rows;
  size_t taps;
  size_t depth;  // bytes of a row at one tap
  int32_t* sums;
};

struct RowSumKernel {
  const char* name;
  Isa isa;
  void (*run)(const RowSumArgs& args);
};

// kDirect and kSmall multiply a itself. kShifted and kSymmetric multiply a - 128, so that 128 · Σ
// weight must have been added to the bias; the latter is exact for weights in [-127, 127] only.
enum class DotForm : int32_t { kDirect, kShifted, kSymmetric, kSmall };

// Whether a form is exact for weights of -128.
inline bool takesMinus128(DotForm form) { return form != DotForm::kSymmetric; }

inline bool isShifted(DotForm form) {
  return form == DotForm::kShifted || form == DotForm::kSymmetric;
}

// What the positive weights of a pair, half of a quad, may come to in a panel of kSmall, and the
// negative ones: 255 · 128 < 2^15, so that the sum of their products fits a word whatever the
// bytes. Of two quads that come together it is what their pairs may come to together.
constexpr int32_t kMostOfPair = 128;

struct DotKernel {
  const char* name;
  Isa isa;
  int rows;     // of a register tile: a call may have any number
  int columns;  // of a panel
  int group;    // bytes of a column that lie together
  int lanes;
  DotForm form;
  bool evex;  // a kernel of AVX-VNNI in the encoding of AVX-512, see cpu/isa.h
  void (*run)(const DotArgs& args);
};

// The column that position p of a panel of `columns` columns holds.
int panelColumn(int p, int columns, int lanes);
// Likewise of a kernel's panel that is for such results.
int panelColumn(int p, const DotKernel& kernel, DotOutput output);

// All kernels that were built.
const DotKernel* dotKernels(size_t* count);

// The kernel for panels of up to `columns` columns: the narrowest that holds them, or else the
// widest. `minus128`: whether a weight is -128.
const DotKernel& chooseDot(Isa isa, bool minus128, size_t columns);

// Whether a kernel takes rows in a grid.
bool takesGrids(const DotKernel& kernel);

// The kernel of that name, or null; whether it fits CPU and weights is the caller's to check.
const DotKernel* findDot(const char* name);

const RowSumKernel& chooseRowSum(Isa isa);

}  // namespace octavo
