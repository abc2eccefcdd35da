// The dot kernel as a template over a vector vocabulary V (kernels/simd) and a way to multiply P:
// what every vector instruction set shares. A tile of MR rows × NV vectors of columns stays in
// registers over the whole depth. Rows are dealt out evenly among tiles, since one of few rows
// waits for its sums more than it multiplies.
#pragma once

#include <stddef.h>
#include <string.h>

#include "native/kernels/dot/dot.h"
#include "native/kernels/dot/sum.h"
#include "native/kernels/dot/walk.h"
#include "native/kernels/dot/words.h"
#include "native/kernels/simd/product.h"
#include "native/kernels/simd/requantize.h"

namespace octavo {
namespace {

// Row `row` and the ones behind it out of `rows` that were packed together. `whole`: all columns of
// the panel are stored, without a look at `columns`.
template <typename V, int NV, int rows, bool whole = false, int row = 0>
OCTAVO_INLINE void storeRows(typename V::Int bytes, uint8_t* const* y, size_t columns) {
  if constexpr (row < rows) {
    const auto part = V::template compactRow<NV, row>(bytes);
    if (whole || columns == NV * V::kWords) {
      V::template storeBytes<NV * V::kWords>(y[row], part);
    } else {
      V::storeFirst(y[row], part, columns);
    }
    storeRows<V, NV, rows, whole, row + 1>(bytes, y, columns);
  }
}

// Whether four rows of a vector each are read and written at once.
template <typename V, int NV>
constexpr bool goByFour() {
  return NV == 1 && V::kLanes == 2;
}

// Likewise all of them, as they come from packing.
template <typename V, int NV, int rows, bool whole = false>
OCTAVO_INLINE void storePacked(typename V::Int bytes, uint8_t* const* y, size_t columns) {
  if constexpr (goByFour<V, NV>() && rows == 4) {
    if (whole || columns == V::kWords) return V::storeFour(y, bytes);
  }
  storeRows<V, NV, rows, whole>(V::template compact<NV>(bytes), y, columns);
}

// Requantizes rows that together have no more than four vectors.
template <typename V, int NV, int rows, bool whole = false, typename Requantizer>
OCTAVO_INLINE void storeUint8(const Requantizer& to, const float* multiplier, uint8_t* const* y,
                              size_t columns, const typename V::Int (*acc)[NV]) {
  typename V::Int q[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) q[i * NV + j] = to.scale(acc[i][j], multiplier + j * V::kWords);
  }
  storePacked<V, NV, rows, whole>(to.pack(q[0], q[1], q[2], q[3]), y, columns);
}

// Rows of accumulators in memory, each in the order of positions, to uint8 by any multipliers. Not
// inlined, for it is seldom the bottleneck and would be half of every tile's code.
template <typename V, int NV>
OCTAVO_NOINLINE void storeCodes(const DotArgs& given, uint8_t* const* y, int count,
                                const int32_t* acc) {
  const DotArgs args = given;
  const Requantize<V> to(args.zero, args.min, args.max);
  for (int i = 0; i < count; ++i, acc += NV * V::kWords) {
    typename V::Int row[1][NV];
    for (int j = 0; j < NV; ++j) row[0][j] = V::load(acc + j * V::kWords);
    storeUint8<V, NV, 1>(to, args.multiplier, y + i, args.columns, row);
  }
}

// `rows` rows of accumulators, each summed with its residual: no more than four vectors together.
template <typename V, int NV, int rows, bool whole = false>
OCTAVO_INLINE void storeSum(const SumWithResidual<V>& sum, const float* multiplier,
                            ptrdiff_t residual, uint8_t* const* y, size_t columns,
                            const typename V::Int (*acc)[NV]) {
  typename V::Int q[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  typename V::Float others[4];
  constexpr bool four = goByFour<V, NV>() && rows == 4;
  if constexpr (four) sum.codes.template take<4>(V::loadFour(y, residual), others);
#pragma GCC unroll 4
  for (int row = 0; row < rows; ++row) {
    if constexpr (!four) sum.template take<NV>(y[row] + residual, others + row * NV);
    sum.template round<NV>(acc[row], multiplier, others + row * NV, q + row * NV);
  }
  storePacked<V, NV, rows, whole>(sum.to.pack(q[0], q[1], q[2], q[3]), y, columns);
}

// Residuals of the next tile are fetched while it is multiplied: they are read in pieces too far
// apart for the CPU to see what comes next.
OCTAVO_INLINE void fetchResiduals(const DotArgs& args, uint8_t* const* y, int count) {
  const ptrdiff_t next = args.residual + static_cast<ptrdiff_t>(count * args.yStride);
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i) OCTAVO_FETCH(y[i] + next);
}

// Rows of accumulators in memory, likewise. As many rows are packed together as make a vector.
template <typename V, int NV>
OCTAVO_NOINLINE void storeSums(const DotArgs& args, const SumWithResidual<V>& constants,
                               uint8_t* const* y, int count, const int32_t* acc) {
  constexpr int kTogether = NV > 2 ? 1 : 4 / NV;
  const SumWithResidual<V> sum = constants;
  const float* multiplier = args.multiplier;
  const ptrdiff_t residual = args.residual;
  const size_t columns = args.columns;
  typename V::Int rows[kTogether][NV];
  const auto load = [&](int row) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j, acc += V::kWords) rows[row][j] = V::load(acc);
  };
  fetchResiduals(args, y, count);
  int i = 0;
  for (; i + kTogether <= count; i += kTogether, y += kTogether) {
#pragma GCC unroll 4
    for (int row = 0; row < kTogether; ++row) load(row);
    storeSum<V, NV, kTogether>(sum, multiplier, residual, y, columns, rows);
  }
  for (; i < count; ++i, ++y) {
    load(0);
    storeSum<V, NV, 1>(sum, multiplier, residual, y, columns, rows);
  }
}

// Accumulators of a tile begin as the bias.
template <typename V, int MR, int NV>
OCTAVO_INLINE void startTile(const DotArgs& args, typename V::Int (*acc)[NV]) {
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) {
    const auto bias = V::load(args.bias + j * V::kWords);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) acc[i][j] = bias;
  }
}

// Requantizes a tile whose multipliers are fractions, and stores it. `to` is a copy: it is read
// from memory once, not after every store.
template <typename V, int MR, int NV, bool whole>
OCTAVO_INLINE void storeTile(RequantizeFractions<V> to, const float* multiplier, uint8_t* const* y,
                             size_t columns, const typename V::Int (*acc)[NV]) {
  constexpr int kTogether = NV > 2 ? 1 : 4 / NV, kWhole = MR / kTogether * kTogether;
#pragma GCC unroll 16
  for (int i = 0; i < kWhole; i += kTogether) {
    storeUint8<V, NV, kTogether, whole>(to, multiplier, y + i, columns, acc + i);
  }
#pragma GCC unroll 16
  for (int i = kWhole; i < MR; ++i) {
    storeUint8<V, NV, 1, whole>(to, multiplier, y + i, columns, acc + i);
  }
}

// Four rows of a tile from `row` on that are stored at once, the last one in place of those behind
// it: what is stored twice is the same.
template <typename V, int MR>
struct FourRows {
  OCTAVO_INLINE FourRows(int row, uint8_t* const* y, const typename V::Int (*acc)[1]) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int at = row + i < MR ? row + i : MR - 1;
      places[i] = y[at];
      sums[i][0] = acc[at][0];
    }
  }

  uint8_t* places[4];
  typename V::Int sums[4][1];
};

// Sums a whole tile with its residual, and stores it.
template <typename V, int MR>
OCTAVO_INLINE void storeTileSum(const SumWithResidual<V>& sum, const DotArgs& args,
                                uint8_t* const* y, const typename V::Int (*acc)[1]) {
#pragma GCC unroll 4
  for (int row = 0; row < MR; row += 4) {
    const FourRows<V, MR> four(row, y, acc);
    storeSum<V, 1, 4, true>(sum, args.multiplier, args.residual, four.places, V::kWords, four.sums);
  }
}

// Likewise on 512 bits.
template <typename V, int MR, int NV>
OCTAVO_INLINE void storeTileSum(const SumWithResidual<V>& sum, const DotArgs& args,
                                uint8_t* const* y, const typename V::Int (*acc)[NV]) {
  constexpr int kTogether = NV > 2 ? 1 : 4 / NV, kWhole = MR / kTogether * kTogether;
  const float* multiplier = args.multiplier;
  const ptrdiff_t residual = args.residual;
  fetchResiduals(args, y, MR);
#pragma GCC unroll 16
  for (int i = 0; i < kWhole; i += kTogether) {
    storeSum<V, NV, kTogether, true>(sum, multiplier, residual, y + i, NV * V::kWords, acc + i);
  }
#pragma GCC unroll 16
  for (int i = kWhole; i < MR; ++i) {
    storeSum<V, NV, 1, true>(sum, multiplier, residual, y + i, NV * V::kWords, acc + i);
  }
}

// What the results of all tiles of a call have in common.
template <typename V, int NV>
struct Finish {
  explicit Finish(const DotArgs& args)
      : fractions(args.output == DotOutput::kUint8 && args.fractions && args.sum == nullptr),
        whole(args.rowSum == nullptr && args.columns == NV * V::kWords),
        floats(whole && args.output == DotOutput::kFloat32 && isUnbounded(args)),
        plain(whole && fractions),
        sums(whole && args.output == DotOutput::kUint8 && args.sum != nullptr),
        to(args.zero, args.min, args.max),
        sum(args) {}

  bool fractions;
  bool whole;  // as most products are: nothing to take off, all columns stored
  bool floats, plain, sums;
  RequantizeFractions<V> to;
  SumWithResidual<V> sum;
};

// Takes off what zero points of weights add, and stores the results of rows from `row` on.
template <typename V, int MR, int NV>
OCTAVO_INLINE void finishTile(const DotArgs& args, const Finish<V, NV>& finish, size_t row,
                              uint8_t* const* y, typename V::Int (*acc)[NV]) {
  if (finish.plain) {
    return storeTile<V, MR, NV, true>(finish.to, args.multiplier, y, args.columns, acc);
  }
  if (finish.floats) return storeFloats<V, MR, NV>(args, row, y, acc);
  if constexpr (goByFour<V, NV>()) {
    if (finish.sums) return storeTileSum<V, MR>(finish.sum, args, y, acc);
  }
  if constexpr (V::kLanes == 4) {
    if (finish.sums) return storeTileSum<V, MR, NV>(finish.sum, args, y, acc);
  }
  if (args.rowSum != nullptr) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const auto zero = V::load(args.weightZero + j * V::kWords);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) {
        acc[i][j] = V::sub32(acc[i][j], V::mul32(V::set32(args.rowSum[row + i]), zero));
      }
    }
  }

  if (finish.fractions) {
    storeTile<V, MR, NV, false>(finish.to, args.multiplier, y, args.columns, acc);
  } else {
    int32_t tile[MR * NV * V::kWords];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) V::store(tile + (i * NV + j) * V::kWords, acc[i][j]);
    }
    if (args.output != DotOutput::kUint8) return storeWords<V, NV>(args, row, y, MR, tile);
    if (args.sum != nullptr) return storeSums<V, NV>(args, finish.sum, y, MR, tile);
    storeCodes<V, NV>(args, y, MR, tile);
  }
}

template <typename V, int MR, int NV>
OCTAVO_INLINE void finishTile(const DotArgs& args, const Finish<V, NV>& finish, size_t row,
                              RowWalk& rows, typename V::Int (*acc)[NV]) {
  uint8_t* y[MR];
  rows.takeResults<MR>(y);
  finishTile<V, MR, NV>(args, finish, row, y, acc);
}

// Adds to a tile what the bytes from k on of each row add, four of them, times a quad of weights.
template <typename V, typename P, int MR, int NV>
OCTAVO_INLINE void addProducts(typename V::Int (*acc)[NV], const uint8_t* const* a, size_t k,
                               const int8_t* w) {
  typename P::Right right[NV];
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) right[j] = P::right(w + j * V::kBytes);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) {
    const typename P::Left left = P::left(V::broadcast4(a[i] + k));
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) P::accumulate(acc[i][j], left, right[j]);
  }
}

// A tile whose rows are read four bytes at a time, each time for a whole vector. Where sums are too
// few to keep the multipliers busy, the depth is cut into parts with sums of their own; their
// weights are read side by side, for one stream alone does not fill the way from a far cache.
template <typename V, typename P>
struct QuadTile {
  using Vector = V;

  // `ahead` moves by aheadStep with every quad, to fetch what is read next.
  template <int MR, int NV>
  static OCTAVO_INLINE const int8_t* run(const DotArgs& args, const Finish<V, NV>& finish,
                                         RowWalk& rows, const int8_t* ahead, size_t aheadStep) {
    constexpr int kSums = MR * NV;
    // Sums that fit the registers beside what is multiplied.
    constexpr int kMost = V::kRegisters > 16 ? 19 : 11;
    constexpr int kQuads = 4 * kSums < kMost ? 4 : 2 * kSums < kMost ? 2 : 1;
    // A tile of few rows does nothing but wait for its own weights.
    const bool fetches = kQuads == 1 && aheadStep != 0;
    typename V::Int acc[kQuads][MR][NV];
    startTile<V, MR, NV>(args, acc[0]);
#pragma GCC unroll 4
    for (int q = 1; q < kQuads; ++q) {
#pragma GCC unroll 16
      for (int i = 0; i < MR * NV; ++i) acc[q][i / NV][i % NV] = V::zero();
    }
    const int8_t* w = args.weights;
    const size_t depth = 4 * args.quads;
    TapWalk<MR> tap(args, rows);
    for (; !tap.isOver(); tap.next(w)) {
      const size_t end = tap.at + depth;
      const size_t part = depth / (4 * kQuads) * 4, partBytes = part / 4 * NV * V::kBytes;
      size_t k = tap.at;
      for (const size_t partEnd = k + part; k < partEnd; k += 4, w += NV * V::kBytes) {
        if (fetches) {
          OCTAVO_FETCH(ahead);
          OCTAVO_FETCH(ahead + 64);
          ahead += aheadStep;
        }
#pragma GCC unroll 4
        for (int q = 0; q < kQuads; ++q) {
          addProducts<V, P, MR, NV>(acc[q], tap.a, k + q * part, w + q * partBytes);
        }
      }
      k += (kQuads - 1) * part;
      w += (kQuads - 1) * partBytes;
      if constexpr (kQuads > 1) {
        for (; k < end; k += 4, w += NV * V::kBytes) addProducts<V, P, MR, NV>(acc[0], tap.a, k, w);
      }
    }
#pragma GCC unroll 4
    for (int q = 1; q < kQuads; ++q) {
#pragma GCC unroll 16
      for (int i = 0; i < MR * NV; ++i) {
        acc[0][i / NV][i % NV] = V::add32(acc[0][i / NV][i % NV], acc[q][i / NV][i % NV]);
      }
    }
    finishTile<V, MR, NV>(args, finish, tap.row, rows, acc[0]);
    return ahead;
  }
};

// The next `tiles` tiles of MR rows each.
template <typename Tile, int MR, int NV>
OCTAVO_NOINLINE const int8_t* dotSameTiles(const DotArgs& args, RowWalk& rows, size_t tiles,
                                           const int8_t* ahead, size_t aheadStep) {
  Finish<typename Tile::Vector, NV> finish(args);
  OCTAVO_KEEP_IN_MEMORY(finish);
  for (size_t tile = 0; tile < tiles; ++tile) {
    ahead = Tile::template run<MR, NV>(args, finish, rows, ahead, aheadStep);
  }
  return ahead;
}

// Likewise of `count` rows each, 1 <= count <= MR.
template <typename Tile, int MR, int NV>
inline const int8_t* dotRows(const DotArgs& args, size_t count, RowWalk& rows, size_t tiles,
                             const int8_t* ahead, size_t aheadStep) {
  if constexpr (MR > 1) {
    if (count < MR) return dotRows<Tile, MR - 1, NV>(args, count, rows, tiles, ahead, aheadStep);
  }
  return dotSameTiles<Tile, MR, NV>(args, rows, tiles, ahead, aheadStep);
}

// Rows from `first` on.
template <typename Tile, int MR, int NV>
inline void dotTiles(const DotArgs& args, size_t first = 0) {
  const size_t count = args.rows - first, tiles = (count + MR - 1) / MR;
  if (tiles == 0) return;
  RowWalk rows(args, first);
  const int8_t* ahead = args.ahead;
  const size_t quads = tiles * args.taps * args.quads;
  const size_t aheadStep = quads == 0 ? 0 : (args.aheadBytes + quads - 1) / quads;
  const size_t each = count / tiles, larger = count % tiles;
  if (larger > 0) ahead = dotRows<Tile, MR, NV>(args, each + 1, rows, larger, ahead, aheadStep);
  dotRows<Tile, MR, NV>(args, each, rows, tiles - larger, ahead, aheadStep);
}

template <typename V, typename P, int MR, int NV>
inline void dotKernel(const DotArgs& args) {
  dotTiles<QuadTile<V, P>, MR, NV>(args);
}

}  // namespace
}  // namespace octavo
