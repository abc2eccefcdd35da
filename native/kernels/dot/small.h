// The dot kernel for instructions that add two products of bytes to a word and saturate: faster
// than anything exact, and exact themselves where weights are so small that no row reaches the
// bounds. pack/smallquads lays weights out in quads that are.
#pragma once

#include "native/kernels/dot/tile.h"

namespace octavo {
namespace {

// Adds to a tile what `count` quads of weights at w do that are small together: quad q is for the
// bytes from k[q] on of each row.
template <typename V, int MR, int NV, int count>
OCTAVO_INLINE void addSmallQuads(typename V::Int (*acc)[NV], const uint8_t* const* a,
                                 const size_t* k, const int8_t* w) {
  typename V::Int right[count][NV];
#pragma GCC unroll 8
  for (int i = 0; i < count * NV; ++i) right[i / NV][i % NV] = V::load(w + i * V::kBytes);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) {
    typename V::Int left[count];
#pragma GCC unroll 4
    for (int q = 0; q < count; ++q) left[q] = V::broadcast4(a[i] + k[q]);
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      auto words = V::multiplyAddU8S8(left[0], right[0][j]);
#pragma GCC unroll 4
      for (int q = 1; q < count; ++q) {
        words = V::add16(words, V::multiplyAddU8S8(left[q], right[q][j]));
      }
      acc[i][j] = V::add32(acc[i][j], V::multiplyAdd16(words, V::set16(1)));
    }
  }
}

template <typename V>
struct SmallTile {
  using Vector = V;

  // What is read ahead needs no pointer: panels follow each other.
  template <int MR, int NV>
  static OCTAVO_INLINE const int8_t* run(const DotArgs& args, const Finish<V, NV>& finish,
                                         RowWalk& rows, const int8_t* ahead, size_t) {
    const size_t row = rows.row();
    const uint8_t* a[MR];
    rows.takeRows<MR>(a);
    uint8_t* y[MR];
    rows.takeResults<MR>(y);
    DotArgs panel = args;
    for (size_t left = args.panels;;) {
      typename V::Int acc[MR][NV];
      startTile<V, MR, NV>(panel, acc);
      if (args.grid != nullptr) {
        addRuns<MR, NV>(panel, a, acc);
      } else {
        addTaps<MR, NV>(panel, row, acc);
      }
      finishTile<V, MR, NV>(panel, finish, row, y, acc);
      if (--left == 0) break;
      goOn(&panel);
      const size_t columnBytes = args.output == DotOutput::kUint8 ? 1 : 4;
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) y[i] += NV * V::kWords * columnBytes;
    }
    return ahead;
  }

 private:
  // Taps that follow each other in the panel are one.
  template <int MR, int NV>
  static OCTAVO_INLINE void addRuns(const DotArgs& args, const uint8_t* const* a,
                                    typename V::Int (*acc)[NV]) {
    const RowGrid& grid = *args.grid;
    const size_t taps = grid.tapSkip == 0 ? args.taps : grid.runTaps;
    const QuadSpan* span = args.spans;
    for (size_t left = args.taps; left != 0; span += taps + grid.tapSkip) {
      const size_t count = left < taps ? left : taps;
      addQuads<MR, NV>(args, span[0], span[count], a, acc);
      left -= count;
    }
  }

  template <int MR, int NV>
  static OCTAVO_INLINE void addTaps(const DotArgs& args, size_t row, typename V::Int (*acc)[NV]) {
    for (size_t tap = 0; tap < args.taps; ++tap) {
      const uint8_t* a[MR];
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) a[i] = args.a[tap * args.rows + row + i] + args.offset;
      addQuads<MR, NV>(args, args.spans[tap], args.spans[tap + 1], a, acc);
    }
  }

  template <int MR, int NV>
  static OCTAVO_INLINE void addQuads(const DotArgs& args, const QuadSpan& first,
                                     const QuadSpan& end, const uint8_t* const* a,
                                     typename V::Int (*acc)[NV]) {
    constexpr size_t kQuadBytes = NV * V::kBytes, kAhead = 2048;
    // A tile of few rows does nothing but wait for its weights. Else panels follow each other and
    // the CPU sees them coming.
    constexpr bool kFetches = MR <= 2;
    const int8_t* w = args.weights + kQuadBytes * first.two;
#pragma GCC unroll 2
    for (size_t q = first.two; q < end.two; q += 2, w += 2 * kQuadBytes) {
      if constexpr (kFetches) OCTAVO_FETCH(w + kAhead);
      const size_t k[] = {args.order[q], args.order[q + 1]};
      addSmallQuads<V, MR, NV, 2>(acc, a, k, w);
    }
    w = args.weights + kQuadBytes * first.one;
#pragma GCC unroll 2
    for (size_t q = first.one; q < end.one; ++q, w += kQuadBytes) {
      if constexpr (kFetches) OCTAVO_FETCH(w + kAhead);
      const size_t k[] = {args.order[q]};
      addSmallQuads<V, MR, NV, 1>(acc, a, k, w);
    }
  }

  // To the next panel.
  static OCTAVO_INLINE void goOn(DotArgs* panel) {
    const size_t positions = panel->panelPositions;
    panel->spans += panel->panelSpans;
    panel->bias += positions;
    panel->multiplier += positions;
    panel->weightZero += positions;
    if (panel->addend != nullptr) panel->addend += positions;
  }
};

template <typename V, int MR, int NV>
inline void smallKernel(const DotArgs& args) {
  dotTiles<SmallTile<V>, MR, NV>(args);
}

}  // namespace
}  // namespace octavo
