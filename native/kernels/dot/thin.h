// Products of so little depth that all weights of a panel stay in registers: rows go by one at a
// time, each for its few quads and its requantizing, and nothing is looked up for a tile. As rows
// wait for nothing but themselves, the end of one overlaps with the next.
#pragma once

#include "native/kernels/dot/tile.h"

namespace octavo {
namespace {

// The next MR rows.
template <typename V, typename P, int MR, int NV, int quads>
OCTAVO_INLINE void thinRows(RowWalk& rows, const typename V::Int (*w)[NV],
                            const typename V::Int* bias, const Finish<V, NV>& finish,
                            const float* multiplier) {
  const uint8_t* a[MR];
  uint8_t* y[MR];
  rows.takeRows<MR>(a);
  rows.takeResults<MR>(y);
  typename V::Int acc[MR][NV];
#pragma GCC unroll 4
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) acc[i][j] = bias[j];
#pragma GCC unroll 8
    for (int q = 0; q < quads; ++q) {
      const typename P::Left left = P::left(V::broadcast4(a[i] + 4 * q));
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) P::accumulate(acc[i][j], left, w[q][j]);
    }
  }
  storeTile<V, MR, NV, true>(finish.to, multiplier, y, NV * V::kWords, acc);
}

template <typename V, typename P, int NV, int quads>
OCTAVO_NOINLINE void thinProduct(const DotArgs& args, const Finish<V, NV>& finish) {
  constexpr int kTogether = NV > 2 ? 1 : 4 / NV;
  typename V::Int w[quads][NV], bias[NV];
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) {
    bias[j] = V::load(args.bias + j * V::kWords);
#pragma GCC unroll 8
    for (int q = 0; q < quads; ++q) w[q][j] = V::load(args.weights + (q * NV + j) * V::kBytes);
  }
  const float* multiplier = args.multiplier;
  RowWalk rows(args, 0);
  size_t left = args.rows;
  for (; left >= kTogether; left -= kTogether) {
    thinRows<V, P, kTogether, NV, quads>(rows, w, bias, finish, multiplier);
  }
  for (; left > 0; --left) thinRows<V, P, 1, NV, quads>(rows, w, bias, finish, multiplier);
}

// Whether the call was such a product, and is done.
template <typename V, typename P, int NV, int quads = 1>
inline bool dotThin(const DotArgs& args) {
  constexpr int kMostQuads = 8, kMostVectors = 24;
  if constexpr (quads <= kMostQuads && quads * NV <= kMostVectors) {
    if (args.quads != quads) return dotThin<V, P, NV, quads + 1>(args);
    const Finish<V, NV> finish(args);
    if (args.grid == nullptr || args.taps != 1 || !finish.plain) return false;
    thinProduct<V, P, NV, quads>(args, finish);
    return true;
  }
  return false;
}

}  // namespace
}  // namespace octavo
