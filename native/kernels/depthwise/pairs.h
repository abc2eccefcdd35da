// kRows for windows of three rows of one quad each, where there are 32 registers: two rows of
// outputs at a time, which share the weights that are loaded and the input rows between them. Only
// the input rows that the next two begin with pass through memory, in place.
//
// Cells narrower than a vector V lie in it side by side: each part of a vector walks along a part
// of the strip of its own, so that all parts go on alike. Parts may overlap; they agree there.
#pragma once

#include "native/kernels/depthwise/rows.h"

namespace octavo {
namespace {

// Where the parts of vectors C lie in the strip: outputs and input columns, and their bytes.
template <typename C, typename V, int Shifts>
struct StripParts {
  static constexpr int kParts = V::kBytes / C::kBytes;
  static constexpr size_t kStep = 3 - Shifts;  // columns from one output to the next
  explicit StripParts(const DepthwiseArgs& args) {
    size_t each = (args.outputs + kParts - 1) / kParts;
    if (kParts > 1) each += each % Shifts;
    outputs = each;
    for (size_t i = 0; i < kParts; ++i) {
      const size_t first = i * each < args.outputs - each ? i * each : args.outputs - each;
      column[i] = first * kStep;
      xAt[i] = column[i] * args.rows.pixelStride;
      yAt[i] = first * args.yStride;
    }
  }
  size_t outputs;  // of a part
  size_t column[kParts], xAt[kParts], yAt[kParts];
};

// Reads pixels of input rows, in order: a vector holds one of each part. What lies in the padding
// is one pixel; addresses are chosen without a branch, as offsets from there.
template <typename C, typename V, int Shifts>
struct PixelReader {
  static constexpr int kParts = V::kBytes / C::kBytes;
  struct Row {
    size_t from;  // the padding to the strip's first pixel
    size_t mask;  // 0 for a row of padding, or all ones
  };
  OCTAVO_INLINE PixelReader(const DepthwiseArgs& args, const StripParts<C, V, Shifts>& strip)
      : parts(strip),
        next(args.rows.pixelStride),
        column(static_cast<size_t>(args.rows.column)),
        width(static_cast<size_t>(args.rows.width)),
        padding(args.rows.padding + args.offset) {}
  OCTAVO_INLINE Row row(const DepthwiseArgs& args, size_t index) const {
    const uint8_t* at = args.rows.rows[index];
    const size_t first = reinterpret_cast<uintptr_t>(at) + args.offset + column * next;
    return {first - reinterpret_cast<uintptr_t>(padding), at == nullptr ? 0 : ~size_t{0}};
  }
  // Where pixel `plus` from here lies behind the strip's first one; `inside`: masks of it.
  OCTAVO_INLINE size_t seek(size_t plus, size_t* inside) const {
#pragma GCC unroll 4
    for (int k = 0; k < kParts; ++k) {
      const size_t x = column + plus + (kParts > 1 ? parts.column[k] : 0);
      inside[k] = size_t{0} - static_cast<size_t>(x < width);
    }
    return at + plus * next;
  }
  OCTAVO_INLINE typename V::Int load(const Row& row, size_t behind, const size_t* inside) const {
    const uint8_t* pixels[kParts];
#pragma GCC unroll 4
    for (int k = 0; k < kParts; ++k) {
      const size_t from = row.from + behind + (kParts > 1 ? parts.xAt[k] : 0);
      pixels[k] = padding + (from & inside[k] & row.mask);
    }
    return V::template loadParts<C::kBytes>(pixels);
  }
  // Pixels `plus` and plus + 1 of `count` rows, interleaved.
  template <int count>
  OCTAVO_INLINE void readPairs(const Row* rows, size_t plus, typename V::Int (*pairs)[2]) const {
    size_t insideA[kParts], insideB[kParts];
    const size_t a = seek(plus, insideA), b = seek(plus + 1, insideB);
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) {
      const auto first = load(rows[i], a, insideA), second = load(rows[i], b, insideB);
      pairs[i][0] = V::unpackLow8(first, second);
      pairs[i][1] = V::unpackHigh8(first, second);
    }
  }
  OCTAVO_INLINE void skip(size_t pixels) {
    at += pixels * next;
    column += pixels;
  }
  const StripParts<C, V, Shifts> parts;
  const size_t next;
  size_t column;  // wraps round below 0: no column of an image is as large
  const size_t width;
  const uint8_t* const padding;
  size_t at = 0;
};

// Rows of outputs, 1 or 2. Of the input rows that they read, kOld are in memory; kNew are not.
template <typename C, typename V, typename P, int Shifts, int Stride, int Rows>
struct OutputRows {
  using Int = typename V::Int;
  static constexpr int kOld = 3 - Stride, kNew = Rows * Stride;
  static constexpr size_t kCellBytes = kOld * 4 * V::kBytes;

  OCTAVO_INLINE OutputRows(const DepthwiseArgs& given, const StripParts<C, V, Shifts>& strip,
                           const Finish<V>& ending, size_t firstRow)
      : weights(given.weights),
        bias(given.bias),
        multiplier(given.multiplier),
        channels(given.channels),
        yRow(given.rows.yRow),
        yStride(given.yStride),
        parts(strip),
        finish(ending),
        reader(given, strip) {
#pragma GCC unroll 4
    for (int i = 0; i < kNew; ++i) rows[i] = reader.row(given, firstRow + kOld + i);
  }

  // Vector j of a cell of the outputs' sums, scaled.
  template <int Live>
  OCTAVO_INLINE void sums(int j, const Int* groups, Int (*scaled)[Live]) const {
    const Int start = V::load(bias + j * V::kWords);
    Int acc[Rows][Live];
#pragma GCC unroll 2
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
      for (int s = 0; s < Live; ++s) acc[r][s] = start;
    }
#pragma GCC unroll 3
    for (int tap = 0; tap < 3; ++tap) {
#pragma GCC unroll 2
      for (int s = 0; s < Live; ++s) {
        const typename P::Right w =
            P::right(weights + ((tap * Shifts + s) * 4 + j) * P::kWeightBytes);
#pragma GCC unroll 2
        for (int r = 0; r < Rows; ++r) {
          Int sum = acc[r][s];
          P::accumulate(sum, P::left(groups[r * Stride + tap]), w);
          acc[r][s] = sum;
        }
      }
    }
#pragma GCC unroll 2
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
      for (int s = 0; s < Live; ++s) {
        scaled[r][s] = Finish<V>::scale(acc[r][s], multiplier + j * V::kWords);
      }
    }
  }

  // The first Live outputs of a cell. `pairs`: its first two pixels; afterwards the next cell's.
  template <int Live>
  OCTAVO_INLINE void cell(Int (*pairs)[2], uint8_t* old, uint8_t* y) const {
    Int next[kNew][2], words[Rows][Live][2];
    reader.template readPairs<kNew>(rows, 2, next);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      Int scaled[2][Rows][Live];
#pragma GCC unroll 2
      for (int odd = 0; odd < 2; ++odd) {
        const int j = 2 * half + odd;
        Int groups[kOld + kNew];
#pragma GCC unroll 2
        for (int i = 0; i < kOld; ++i) groups[i] = V::load(old + (4 * i + j) * V::kBytes);
#pragma GCC unroll 4
        for (int i = 0; i < kNew; ++i) {
          const Int a = pairs[i][half], b = next[i][half];
          groups[kOld + i] = odd == 0 ? V::unpackLow16(a, b) : V::unpackHigh16(a, b);
        }
        if (Rows == 2) {
#pragma GCC unroll 2
          for (int i = 0; i < kOld; ++i) {
            V::store(old + (4 * i + j) * V::kBytes, groups[kNew + i]);
          }
        }
        sums<Live>(j, groups, scaled[odd]);
      }
#pragma GCC unroll 2
      for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
        for (int s = 0; s < Live; ++s) {
          words[r][s][half] =
              V::addSaturated16(V::pack32(scaled[0][r][s], scaled[1][r][s]), finish.zero);
        }
      }
    }
#pragma GCC unroll 2
    for (int r = 0; r < Rows; ++r) {
      Int results[Live];
#pragma GCC unroll 2
      for (int s = 0; s < Live; ++s) {
        results[s] = V::pack16Unsigned(words[r][s][0], words[r][s][1]);
      }
      finish.template clamp<Live>(results);
#pragma GCC unroll 2
      for (int s = 0; s < Live; ++s) {
        uint8_t* to = y + r * yRow + s * yStride;
        if (parts.kParts > 1 || channels == C::kBytes) {
          V::template storeParts<C::kBytes>(to, parts.yAt, results[s]);
        } else {
          V::storeFirst(to, results[s], channels);
        }
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < kNew; ++i) {
      pairs[i][0] = next[i][0];
      pairs[i][1] = next[i][1];
    }
  }

  OCTAVO_INLINE void run(uint8_t* old, uint8_t* y) {
    Int pairs[kNew][2];
    reader.template readPairs<kNew>(rows, 0, pairs);
    const size_t whole = parts.outputs / Shifts;
    for (size_t i = 0; i < whole; ++i, old += kCellBytes, y += Shifts * yStride, reader.skip(2)) {
      cell<Shifts>(pairs, old, y);
    }
    if (Shifts > 1 && whole * Shifts < parts.outputs) cell<1>(pairs, old, y);
  }

  const int8_t* const weights;
  const int32_t* const bias;
  const float* const multiplier;
  const size_t channels, yRow, yStride;
  const StripParts<C, V, Shifts> parts;
  const Finish<V> finish;
  PixelReader<C, V, Shifts> reader;
  typename PixelReader<C, V, Shifts>::Row rows[kNew];
};

// Whether rowPairs computes that.
template <typename C, typename V>
OCTAVO_INLINE bool isForPairs(const DepthwiseArgs& args) {
  const bool whole = C::kBytes == V::kBytes;
  return args.rows.newest == 3 - args.rows.shifts &&
         (whole || (args.channels == C::kBytes && args.outputs >= 2));
}

template <typename C, typename V, typename P, int Shifts>
OCTAVO_NOINLINE void rowPairs(const DepthwiseArgs& given) {
  constexpr int kStride = 3 - Shifts;
  using Two = OutputRows<C, V, P, Shifts, kStride, 2>;
  using One = OutputRows<C, V, P, Shifts, kStride, 1>;
  const DepthwiseArgs args = given;
  const DepthwiseRows& rows = args.rows;
  const StripParts<C, V, Shifts> parts(args);
  const Finish<V> finish(args);

  const size_t cells = (parts.outputs + Shifts - 1) / Shifts;
#pragma GCC unroll 1
  for (int i = 0; i < Two::kOld; ++i) {
    PixelReader<C, V, Shifts> reader(args, parts);
    const auto row = reader.row(args, i);
    typename V::Int pair[1][2];
    reader.template readPairs<1>(&row, 0, pair);
    uint8_t* to = rows.cells + i * 4 * V::kBytes;
    for (size_t j = 0; j < cells; ++j, to += Two::kCellBytes, reader.skip(2)) {
      typename V::Int next[1][2];
      reader.template readPairs<1>(&row, 2, next);
      V::store(to, V::unpackLow16(pair[0][0], next[0][0]));
      V::store(to + V::kBytes, V::unpackHigh16(pair[0][0], next[0][0]));
      V::store(to + 2 * V::kBytes, V::unpackLow16(pair[0][1], next[0][1]));
      V::store(to + 3 * V::kBytes, V::unpackHigh16(pair[0][1], next[0][1]));
      pair[0][0] = next[0][0];
      pair[0][1] = next[0][1];
    }
  }
  uint8_t* y = args.y;
  size_t row = 0;
  for (; row + 2 <= rows.count; row += 2, y += 2 * rows.yRow) {
    Two(args, parts, finish, row * kStride).run(rows.cells, y);
  }
  if (row < rows.count) One(args, parts, finish, row * kStride).run(rows.cells, y);
}

// kRows: `Outputs` as depthwiseRows() has it, for windows that are not for pairs.
template <typename C, typename V, typename P, int Outputs>
inline void depthwiseRowPairs(const DepthwiseArgs& args) {
  if (!isForPairs<C, V>(args)) return depthwiseRows<C, V, P, Outputs>(args);
  args.rows.shifts == 2 ? rowPairs<C, V, P, 2>(args) : rowPairs<C, V, P, 1>(args);
}

}  // namespace
}  // namespace octavo
