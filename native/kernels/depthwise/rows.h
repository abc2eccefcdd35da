// kRows as a template. Cells are written in the vocabulary C, as wide as the channels of a block,
// and multiplied in the vocabulary V, as wide as registers are: a vector of V holds one cell, or
// several neighbouring ones, which share the weights.
//
// Transposing keeps busy the one unit that shuffles wide registers, multiplying the others. So
// where a vector holds one cell, and a window is three quads, both are done cell by cell, and the
// newest rows are multiplied while they are in registers.
#pragma once

#include "native/kernels/depthwise/block.h"

namespace octavo {
namespace {

// Walks along an input row, cell by cell. Cells [inside, outside) have no pixel in the padding.
template <typename C>
struct CellWriter {
  OCTAVO_INLINE CellWriter(const DepthwiseArgs& args, size_t row)
      : rows(args.rows),
        origin(rows.rows[row] == nullptr ? nullptr : rows.rows[row] + args.offset),
        padding(rows.padding + args.offset),
        next(rows.pixelStride),
        pair(at(0), at(1)) {
    pixel = (origin == nullptr ? padding : origin) +
            (rows.column + 2) * static_cast<int64_t>(rows.pixelStride);
    const int64_t first = -rows.column / 2, last = (rows.width - rows.column) / 2 - 1;
    inside = first < 0 ? 0 : static_cast<size_t>(first);
    outside = origin == nullptr || last < static_cast<int64_t>(inside) ? inside
                                                                       : static_cast<size_t>(last);
  }

  // Pixel i of the strip.
  OCTAVO_INLINE const uint8_t* at(size_t i) const {
    const int64_t column = rows.column + static_cast<int64_t>(i);
    const bool isInside = origin != nullptr && column >= 0 && column < rows.width;
    return isInside ? origin + column * static_cast<int64_t>(rows.pixelStride) : padding;
  }
  // The cells come in their order.
  OCTAVO_INLINE void read(size_t cell, typename C::Int* groups) {
    const uint8_t *a = pixel, *b = pixel + next;
    if (cell - inside >= outside - inside) {
      a = at(2 * cell + 2);
      b = at(2 * cell + 3);
    }
    const Pair<C> following(a, b);
    pixel += 2 * next;
    transpose<C>(pair, following, groups);
    pair = following;
  }

  const DepthwiseRows& rows;
  const uint8_t *origin, *padding, *pixel;
  size_t next, inside, outside;
  Pair<C> pair;
};

// A row of cells in memory. Vectors of a cell are neighbours where they fill those of V, so that
// their distance is known; else vectors of neighbouring cells are.
template <typename C, typename V>
struct Cells {
  static constexpr bool kWhole = C::kBytes == V::kBytes;
  static constexpr size_t kStep = kWhole ? 4 * C::kBytes : C::kBytes;
  static OCTAVO_INLINE size_t plane(const DepthwiseArgs& args) {
    return kWhole ? C::kBytes : args.rows.plane;
  }
  static OCTAVO_INLINE void store(const DepthwiseArgs& args, uint8_t* to,
                                  const typename C::Int* groups) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) C::store(to + j * plane(args), groups[j]);
  }
};

// Cells [0, end) of input row `row`.
template <typename C, typename V>
OCTAVO_INLINE void writeCells(const DepthwiseArgs& args, size_t row, uint8_t* to, size_t end) {
  CellWriter<C> writer(args, row);
  for (size_t cell = 0; cell < end; ++cell, to += Cells<C, V>::kStep) {
    typename C::Int groups[4];
    writer.read(cell, groups);
    Cells<C, V>::store(args, to, groups);
  }
}

// Sums to bytes: what kernels/simd/requantize.h does, for products that are known to fit int32.
template <typename V>
struct Finish {
  explicit Finish(const DepthwiseArgs& args)
      : zero(V::set16(args.zero)), min(V::set8(args.min)), max(V::set8(args.max)) {}

  static OCTAVO_INLINE typename V::Int scale(typename V::Int acc, const float* multiplier) {
    return V::toInt(V::multiply(V::toFloat(acc), V::loadFloat(multiplier)));
  }
  OCTAVO_INLINE typename V::Int bytes(typename V::Int a, typename V::Int b, typename V::Int c,
                                      typename V::Int d, const float* multiplier) const {
    const auto low = V::pack32(scale(a, multiplier), scale(b, multiplier + V::kWords));
    const auto high = V::pack32(scale(c, multiplier + 2 * V::kWords),  //
                                scale(d, multiplier + 3 * V::kWords));
    const auto all = V::pack16Unsigned(V::addSaturated16(low, zero), V::addSaturated16(high, zero));
    return V::minU8(V::maxU8(all, min), max);
  }

  typename V::Int zero, min, max;
};

// acc[v * Shifts + shift][j] += group[v] · the weights of `shift` and j.
template <typename V, typename P, int Shifts, int Vectors>
OCTAVO_INLINE void multiply(typename V::Int (*acc)[4], const typename P::Left* groups, int j,
                            const int8_t* w) {
#pragma GCC unroll 2
  for (int shift = 0; shift < Shifts; ++shift) {
    const typename P::Right weights = P::right(w + (shift * 4 + j) * P::kWeightBytes);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      // By way of a variable: GCC leaves arrays in memory whose elements are referred to.
      typename V::Int sum = acc[v * Shifts + shift][j];
      P::accumulate(sum, groups[v], weights);
      acc[v * Shifts + shift][j] = sum;
    }
  }
}

// Adds the products of a quad whose cells are in memory.
template <typename C, typename V, typename P, int Shifts, int Vectors>
OCTAVO_INLINE void multiplyCells(const DepthwiseArgs& args, const uint8_t* at, const int8_t* w,
                                 typename V::Int (*acc)[4]) {
  constexpr size_t kNext = V::kBytes / C::kBytes * Cells<C, V>::kStep;
  const size_t plane = Cells<C, V>::plane(args);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    typename P::Left groups[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) groups[v] = P::left(V::load(at + j * plane + v * kNext));
    multiply<V, P, Shifts, Vectors>(acc, groups, j, w);
  }
}

// Stores results of cells, output `output` and its successors: as many as there are.
template <typename C, typename V, int Shifts, int Vectors>
OCTAVO_INLINE void storeCells(const DepthwiseArgs& args, size_t output,
                              const typename V::Int* results, uint8_t* y) {
  constexpr int kCells = V::kBytes / C::kBytes, kOutputs = Vectors * kCells * Shifts;
  const bool whole = args.channels == C::kBytes;
  const size_t left = args.outputs - output;
  y += output * args.yStride;
  if constexpr (kCells == 1) {
#pragma GCC unroll 4
    for (int i = 0; i < kOutputs; ++i, y += args.yStride) {
      if (static_cast<size_t>(i) < left) {
        if (whole) {
          C::store(y, results[i]);
        } else {
          C::storeFirst(y, results[i], args.channels);
        }
      }
    }
  } else {
    alignas(64) uint8_t bytes[Vectors * Shifts * V::kBytes];
#pragma GCC unroll 4
    for (int i = 0; i < Vectors * Shifts; ++i) V::store(bytes + i * V::kBytes, results[i]);
    const uint8_t* from = bytes;
    for (int v = 0; v < Vectors; ++v, from += Shifts * V::kBytes) {
      for (int i = 0; i < kCells * Shifts; ++i, y += args.yStride) {
        if (static_cast<size_t>(v * kCells * Shifts + i) >= left) return;
        const auto one = C::load(from + i % Shifts * V::kBytes + i / Shifts * C::kBytes);
        if (whole) {
          C::store(y, one);
        } else {
          C::storeFirst(y, one, args.channels);
        }
      }
    }
  }
}

// The outputs of Vectors vectors of cells from `cell` on, to the row of outputs at y.
template <typename C, typename V, typename P, int Shifts, int Vectors>
OCTAVO_INLINE void cellOutputs(const DepthwiseArgs& args, const Finish<V>& finish, size_t cell,
                               const uint8_t* const* quadAt, uint8_t* y) {
  typename V::Int acc[Vectors * Shifts][4];
  startAt<V, Vectors * Shifts>(args.bias, acc);
  const int8_t* w = args.weights;
  const size_t quads = args.quads, first = cell * Cells<C, V>::kStep;
  for (size_t quad = 0; quad < quads; ++quad, w += Shifts * 4 * P::kWeightBytes) {
    multiplyCells<C, V, P, Shifts, Vectors>(args, quadAt[quad] + first, w, acc);
  }
  typename V::Int results[Vectors * Shifts];
#pragma GCC unroll 4
  for (int i = 0; i < Vectors * Shifts; ++i) {
    results[i] = finish.bytes(acc[i][0], acc[i][1], acc[i][2], acc[i][3], args.multiplier);
  }
  storeCells<C, V, Shifts, Vectors>(args, cell * Shifts, results, y);
}

// What differs from row to row of outputs.
struct DepthwiseRow {
  size_t first;  // input row that its windows begin at
  size_t slot;   // where that is kept
  const uint8_t* const* quadAt;
  uint8_t* y;
};

// One row of outputs after the other: `row(args, at)` computes one.
template <typename C, typename V, typename Row>
OCTAVO_INLINE void forEachRow(const DepthwiseArgs& args, size_t cells, Row&& row) {
  const DepthwiseRows& rows = args.rows;
  const size_t span = rows.span, fresh = span < rows.stride ? span : rows.stride;
  for (size_t k = 0; k < span - fresh; ++k) {
    writeCells<C, V>(args, k, rows.cells + k * 4 * rows.plane, cells);
  }
  DepthwiseRow at{0, 0, rows.quadAt, args.y};
  for (size_t i = 0; i < rows.count; ++i) {
    row(at);
    at.first += rows.stride;
    at.slot += rows.stride;
    while (at.slot >= span) at.slot -= span;
    at.quadAt = rows.quadAt + at.slot * args.quads;
    at.y += rows.yRow;
  }
}

OCTAVO_INLINE uint8_t* cellsOf(const DepthwiseRows& rows, const DepthwiseRow& at, size_t k) {
  const size_t slot = at.slot + k < rows.span ? at.slot + k : at.slot + k - rows.span;
  return rows.cells + slot * 4 * rows.plane;
}

// All cells of a row, then all outputs.
template <typename C, typename V, typename P, int Shifts, int Vectors>
OCTAVO_NOINLINE void rowsByTurns(const DepthwiseArgs& args) {
  constexpr size_t kCells = V::kBytes / C::kBytes, kStep = Vectors * kCells;
  const DepthwiseRows& rows = args.rows;
  const Finish<V> finish(args);
  const size_t fresh = rows.span < rows.stride ? rows.span : rows.stride;
  const size_t outputCells = (args.outputs + Shifts - 1) / Shifts, cells = outputCells + rows.reach;
  forEachRow<C, V>(args, cells, [&](const DepthwiseRow& at) {
    for (size_t k = rows.span - fresh; k < rows.span; ++k) {
      writeCells<C, V>(args, at.first + k, cellsOf(rows, at, k), cells);
    }
    size_t cell = 0;
    for (; cell + kStep <= outputCells; cell += kStep) {
      cellOutputs<C, V, P, Shifts, Vectors>(args, finish, cell, at.quadAt, at.y);
    }
    for (; cell < outputCells; cell += kCells) {
      cellOutputs<C, V, P, Shifts, 1>(args, finish, cell, at.quadAt, at.y);
    }
  });
}

// Windows of three quads, cell by cell; the Newest newest rows are the last quads.
template <typename V, typename P, int Shifts, int Newest>
OCTAVO_NOINLINE void rowsAtOnce(const DepthwiseArgs& given) {
  constexpr int kKept = 3 - Newest, kQuadBytes = Shifts * 4 * P::kWeightBytes;
  using Memory = Cells<V, V>;
  const DepthwiseArgs args = given;
  const DepthwiseRows& rows = args.rows;
  const Finish<V> finish(args);
  const size_t cells = (args.outputs + Shifts - 1) / Shifts, whole = args.outputs / Shifts;
  const size_t k = rows.span - Newest, yStride = args.yStride;
  const bool all = args.channels == V::kBytes;
  forEachRow<V, V>(args, cells, [&](const DepthwiseRow& at) {
    CellWriter<V> newest(args, at.first + rows.span - 1), older(args, at.first + k);
    uint8_t* to = cellsOf(rows, at, rows.span - 1);
    const uint8_t *oldest = at.quadAt[0], *old = at.quadAt[kKept - 1];
    uint8_t* y = at.y;
    for (size_t cell = 0; cell < cells; ++cell) {
      typename V::Int acc[Shifts][4], bytes[4];
      startAt<V, Shifts>(args.bias, acc);
      const int8_t* w = args.weights;
      multiplyCells<V, V, P, Shifts, 1>(args, oldest + cell * Memory::kStep, w, acc);
      if (kKept == 2) {
        multiplyCells<V, V, P, Shifts, 1>(args, old + cell * Memory::kStep, w + kQuadBytes, acc);
      } else {
        // With stride 2 the older of two new rows is of no further use.
        older.read(cell, bytes);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const typename P::Left group = P::left(bytes[j]);
          multiply<V, P, Shifts, 1>(acc, &group, j, w + kQuadBytes);
        }
      }
      newest.read(cell, bytes);
      Memory::store(args, to + cell * Memory::kStep, bytes);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const typename P::Left group = P::left(bytes[j]);
        multiply<V, P, Shifts, 1>(acc, &group, j, w + 2 * kQuadBytes);
      }
      typename V::Int results[Shifts];
#pragma GCC unroll 2
      for (int i = 0; i < Shifts; ++i) {
        results[i] = finish.bytes(acc[i][0], acc[i][1], acc[i][2], acc[i][3], args.multiplier);
      }
      if (all && cell < whole) {
#pragma GCC unroll 2
        for (int i = 0; i < Shifts; ++i, y += yStride) V::store(y, results[i]);
      } else {
        storeCells<V, V, Shifts, 1>(args, cell * Shifts, results, at.y);
        y += Shifts * yStride;
      }
    }
  });
}

// Outputs: whose accumulators there are registers for, 2 or 4.
template <typename C, typename V, typename P, int Outputs>
inline void depthwiseRows(const DepthwiseArgs& given) {
  const DepthwiseArgs args = given;
  const bool pairs = args.rows.shifts == 2;
  if constexpr (C::kBytes == V::kBytes) {
    if (args.rows.newest == 1) {
      return pairs ? rowsAtOnce<V, P, 2, 1>(args) : rowsAtOnce<V, P, 1, 1>(args);
    }
    if (args.rows.newest == 2) {
      return pairs ? rowsAtOnce<V, P, 2, 2>(args) : rowsAtOnce<V, P, 1, 2>(args);
    }
  }
  if (pairs) {
    rowsByTurns<C, V, P, 2, Outputs / 2>(args);
  } else {
    rowsByTurns<C, V, P, 1, Outputs>(args);
  }
}

}  // namespace
}  // namespace octavo
