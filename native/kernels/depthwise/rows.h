// kRows as a template. Cells are written in the vocabulary C, as wide as the channels of a block,
// and multiplied in the vocabulary V, as wide as registers are: a vector of V holds one cell, or
// several neighbouring ones, which share the weights.
//
// Transposing keeps busy the one unit that shuffles wide registers, multiplying the others. So
// where a vector holds one cell, and a window is three quads, both are done cell by cell, and the
// newest rows are multiplied while they are in registers.
#pragma once

#include "native/kernels/depthwise/finish.h"

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

// acc[v * Live + shift][j] += group[v] · the weights of `shift` and j, for the first Live shifts.
template <typename V, typename P, int Shifts, int Vectors, int Live = Shifts>
OCTAVO_INLINE void multiply(typename V::Int (*acc)[4], const typename P::Left* groups, int j,
                            const int8_t* w) {
#pragma GCC unroll 2
  for (int shift = 0; shift < Live; ++shift) {
    const typename P::Right weights = P::right(w + (shift * 4 + j) * P::kWeightBytes);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      // By way of a variable: GCC leaves arrays in memory whose elements are referred to.
      typename V::Int sum = acc[v * Live + shift][j];
      P::accumulate(sum, groups[v], weights);
      acc[v * Live + shift][j] = sum;
    }
  }
}

// Adds the products of a quad whose cells are in memory.
template <typename C, typename V, typename P, int Shifts, int Vectors, int Live = Shifts>
OCTAVO_INLINE void multiplyCells(const DepthwiseArgs& args, const uint8_t* at, const int8_t* w,
                                 typename V::Int (*acc)[4]) {
  constexpr size_t kNext = V::kBytes / C::kBytes * Cells<C, V>::kStep;
  const size_t plane = Cells<C, V>::plane(args);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    typename P::Left groups[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) groups[v] = P::left(V::load(at + j * plane + v * kNext));
    multiply<V, P, Shifts, Vectors, Live>(acc, groups, j, w);
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
    const auto one = [&](int i) {
      const int vector = i / (kCells * Shifts) * Shifts + i % Shifts;
      return C::load(bytes + vector * V::kBytes + i / Shifts % kCells * C::kBytes);
    };
    if (whole && left >= kOutputs) {
#pragma GCC unroll 16
      for (int i = 0; i < kOutputs; ++i, y += args.yStride) C::store(y, one(i));
      return;
    }
    const int end = left < kOutputs ? static_cast<int>(left) : kOutputs;
    for (int i = 0; i < end; ++i, y += args.yStride) C::storeFirst(y, one(i), args.channels);
  }
}

// The outputs of Vectors vectors of cells from `cell` on, to the row of outputs at y; of the first
// Live outputs of each.
template <typename C, typename V, typename P, int Shifts, int Vectors, int Live = Shifts>
OCTAVO_INLINE void cellOutputs(const DepthwiseArgs& args, const Finish<V>& finish, size_t cell,
                               const uint8_t* const* quadAt, uint8_t* y) {
  typename V::Int acc[Vectors * Live][4];
  startAt<V, Vectors * Live>(args.bias, acc);
  const int8_t* w = args.weights;
  const size_t quads = args.quads, first = cell * Cells<C, V>::kStep;
  for (size_t quad = 0; quad < quads; ++quad, w += Shifts * 4 * P::kWeightBytes) {
    multiplyCells<C, V, P, Shifts, Vectors, Live>(args, quadAt[quad] + first, w, acc);
  }
  typename V::Int results[Vectors * Live];
#pragma GCC unroll 4
  for (int i = 0; i < Vectors * Live; ++i) {
    results[i] = finish.bytes(acc[i][0], acc[i][1], acc[i][2], acc[i][3], args.multiplier);
  }
  finish.template clamp<Vectors * Live>(results);
  storeCells<C, V, Live, Vectors>(args, cell * Shifts, results, y);
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
OCTAVO_NOINLINE void rowsByTurns(const DepthwiseArgs& given) {
  const DepthwiseArgs args = given;
  constexpr size_t kCells = V::kBytes / C::kBytes, kStep = Vectors * kCells;
  const DepthwiseRows& rows = args.rows;
  const Finish<V> finish(args);
  const size_t fresh = rows.span < rows.stride ? rows.span : rows.stride;
  const size_t outputCells = (args.outputs + Shifts - 1) / Shifts, cells = outputCells + rows.reach;
  // A last cell with one output left is not worth both.
  const size_t wholeCells = Cells<C, V>::kWhole ? args.outputs / Shifts : outputCells;
  forEachRow<C, V>(args, cells, [&](const DepthwiseRow& at) {
    for (size_t k = rows.span - fresh; k < rows.span; ++k) {
      writeCells<C, V>(args, at.first + k, cellsOf(rows, at, k), cells);
    }
    size_t cell = 0;
    for (; cell + kStep <= wholeCells; cell += kStep) {
      cellOutputs<C, V, P, Shifts, Vectors>(args, finish, cell, at.quadAt, at.y);
    }
    for (; cell < outputCells; cell += kCells) {
      if (Cells<C, V>::kWhole && cell >= args.outputs / Shifts) {
        cellOutputs<C, V, P, Shifts, 1, 1>(args, finish, cell, at.quadAt, at.y);
      } else {
        cellOutputs<C, V, P, Shifts, 1>(args, finish, cell, at.quadAt, at.y);
      }
    }
  });
}

template <typename V, typename P, int Shifts, int Live>
OCTAVO_INLINE void multiplyBytes(const typename V::Int* bytes, const int8_t* w,
                                 typename V::Int (*acc)[4]) {
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const typename P::Left group = P::left(bytes[j]);
    multiply<V, P, Shifts, 1, Live>(acc, &group, j, w);
  }
}

// The first Live outputs of a cell, for windows of three quads of which the Newest last are of rows
// that are not in memory yet: `newest`, to be stored at `to`, and `older`, which with stride 2 is
// of no further use. `oldest` and `old`: cells of the others.
template <typename V, typename P, int Shifts, int Newest, int Live>
OCTAVO_INLINE void outputsAtOnce(const DepthwiseArgs& args, const Finish<V>& finish, size_t cell,
                                 CellWriter<V>& newest, CellWriter<V>& older, uint8_t* to,
                                 const uint8_t* oldest, const uint8_t* old,
                                 typename V::Int* results) {
  constexpr int kQuadBytes = Shifts * 4 * P::kWeightBytes;
  typename V::Int acc[Live][4], bytes[4];
  startAt<V, Live>(args.bias, acc);
  const int8_t* w = args.weights;
  multiplyCells<V, V, P, Shifts, 1, Live>(args, oldest, w, acc);
  if (Newest == 1) {
    multiplyCells<V, V, P, Shifts, 1, Live>(args, old, w + kQuadBytes, acc);
  } else {
    older.read(cell, bytes);
    multiplyBytes<V, P, Shifts, Live>(bytes, w + kQuadBytes, acc);
  }
  newest.read(cell, bytes);
  Cells<V, V>::store(args, to, bytes);
  multiplyBytes<V, P, Shifts, Live>(bytes, w + 2 * kQuadBytes, acc);
#pragma GCC unroll 2
  for (int i = 0; i < Live; ++i) {
    results[i] = finish.bytes(acc[i][0], acc[i][1], acc[i][2], acc[i][3], args.multiplier);
  }
  finish.template clamp<Live>(results);
}

template <typename V, typename P, int Shifts, int Newest>
OCTAVO_NOINLINE void rowsAtOnce(const DepthwiseArgs& given) {
  constexpr size_t kStep = Cells<V, V>::kStep;
  const DepthwiseArgs args = given;
  const DepthwiseRows& rows = args.rows;
  const Finish<V> finish(args);
  const size_t cells = (args.outputs + Shifts - 1) / Shifts, whole = args.outputs / Shifts;
  const size_t yStride = args.yStride;
  const bool all = args.channels == V::kBytes;
  forEachRow<V, V>(args, cells, [&](const DepthwiseRow& at) {
    CellWriter<V> newest(args, at.first + rows.span - 1);
    CellWriter<V> older(args, at.first + rows.span - Newest);
    uint8_t *to = cellsOf(rows, at, rows.span - 1), *y = at.y;
    const uint8_t *oldest = at.quadAt[0], *old = at.quadAt[2 - Newest];
    for (size_t cell = 0; cell < whole; ++cell, to += kStep, oldest += kStep, old += kStep) {
      typename V::Int results[Shifts];
      outputsAtOnce<V, P, Shifts, Newest, Shifts>(args, finish, cell, newest, older, to, oldest,
                                                  old, results);
      if (all) {
#pragma GCC unroll 2
        for (int i = 0; i < Shifts; ++i, y += yStride) V::store(y, results[i]);
      } else {
#pragma GCC unroll 2
        for (int i = 0; i < Shifts; ++i, y += yStride) V::storeFirst(y, results[i], args.channels);
      }
    }
    if (whole < cells) {
      typename V::Int result;
      outputsAtOnce<V, P, Shifts, Newest, 1>(args, finish, whole, newest, older, to, oldest, old,
                                             &result);
      storeCells<V, V, 1, 1>(args, args.outputs - 1, &result, at.y);
    }
  });
}

// Outputs: whose accumulators there are registers for, 2 or 4.
template <typename C, typename V, typename P, int Outputs>
inline void depthwiseRows(const DepthwiseArgs& args) {
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
