// Products that residuals are added to, whose tiles are stored one behind: while a tile is
// multiplied, the sums of the one before go from memory to results, a row after each share of the
// depth. What that takes is mostly not what multiplies, so that both are done at once; one after
// the other, each would wait for the other.
#pragma once

#include "native/kernels/dot/tile.h"

namespace octavo {
namespace {

// Lines of what is read next.
struct LinesAhead {
  LinesAhead(const DotArgs& args, size_t times)
      : at(args.ahead), each(times == 0 ? 0 : (args.aheadBytes / 64 + times - 1) / times) {}

  OCTAVO_INLINE void fetchSome() {
    for (size_t i = 0; i < each; ++i, at += 64) OCTAVO_FETCH(at);
  }

  const int8_t* at;
  size_t each;
};

// `tiles` tiles of MR rows each.
template <typename V, typename P, int MR, int NV>
OCTAVO_NOINLINE void dotTilesBehind(const DotArgs& given, RowWalk& rows, size_t tiles) {
  const DotArgs args = given;
  SumWithResidual<V> sum(args);
  OCTAVO_KEEP_IN_MEMORY(sum);
  uint8_t *y[MR], *nextY[MR];
  alignas(64) int32_t waiting[MR][NV * V::kWords];
  const auto store = [&](int row) {
    typename V::Int words[1][NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) words[0][j] = V::load(waiting[row] + j * V::kWords);
    storeSum<V, NV, 1, true>(sum, args.multiplier, args.residual, y + row, NV * V::kWords, words);
  };
  const size_t depth = 4 * args.quads, share = args.quads / MR * 4;
  LinesAhead ahead(args, tiles * MR);
  for (size_t tile = 0; tile < tiles; ++tile) {
    typename V::Int acc[MR][NV];
    startTile<V, MR, NV>(args, acc);
    const uint8_t* a[MR];
    rows.takeRows<MR>(a);
    rows.takeResults<MR>(nextY);
#pragma GCC unroll 8
    for (int row = 0; row < MR; ++row) OCTAVO_FETCH(nextY[row] + args.residual);
    const int8_t* w = args.weights;
    size_t k = 0;
    for (int row = 0; row < MR; ++row) {
      for (const size_t end = k + share; k < end; k += 4, w += NV * V::kBytes) {
        addProducts<V, P, MR, NV>(acc, a, k, w);
      }
      ahead.fetchSome();
      if (tile > 0) store(row);
    }
    for (; k < depth; k += 4, w += NV * V::kBytes) addProducts<V, P, MR, NV>(acc, a, k, w);
#pragma GCC unroll 8
    for (int row = 0; row < MR; ++row) {
      y[row] = nextY[row];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) V::store(waiting[row] + j * V::kWords, acc[row][j]);
    }
  }
  for (int row = 0; tiles > 0 && row < MR; ++row) store(row);
}

// Whether the call was such a product, and is done. Tiles are of fewer rows than others, which
// leaves registers for what is stored.
template <typename V, typename P, int MR, int NV>
inline bool dotBehind(const DotArgs& args) {
  // Deeper panels do not stay in the nearest cache for so many tiles, and ends of tiles matter
  // less.
  constexpr size_t kMostQuads = 512 / NV;
  if (args.grid == nullptr || args.taps != 1 || args.quads > kMostQuads) return false;
  if (!Finish<V, NV>(args).sums) return false;
  RowWalk rows(args, 0);
  dotTilesBehind<V, P, MR, NV>(args, rows, args.rows / MR);
  const size_t rest = args.rows % MR;
  if (rest > 0) dotRows<QuadTile<V, P>, MR - 1, NV>(args, rest, rows, 1, nullptr, 0);
  return true;
}

}  // namespace
}  // namespace octavo
