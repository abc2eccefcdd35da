// The dot kernel for instructions that add two products of bytes to a word and saturate: faster
// than anything exact, and exact itself for the quads whose weights are so small that no row
// reaches the bounds. Those come first in each tap of a panel; the others take a product that
// always is.
#pragma once

#include "native/kernels/dot/tile.h"

namespace octavo {
namespace {

// Of quads whose weights are small.
template <typename V>
struct SmallProduct {
  using Left = typename V::Int;
  using Right = typename V::Int;
  static OCTAVO_INLINE Left left(typename V::Int u8) { return u8; }
  static OCTAVO_INLINE Right right(const int8_t* weights) { return V::load(weights); }
  static OCTAVO_INLINE void accumulate(typename V::Int& acc, const Left& a, const Right& w) {
    const auto pairs = V::multiplyAddU8S8(a, w);
    acc = V::add32(acc, V::multiplyAdd16(pairs, V::set16(1)));
  }
};

// `Any`: the product of the other quads.
template <typename V, typename Any>
struct MixedTile {
  using Vector = V;

  template <int MR, int NV>
  static OCTAVO_INLINE const int8_t* run(const DotArgs& args, const Finish<V, NV>& finish,
                                         RowWalk& rows, const int8_t* ahead, size_t aheadStep) {
    for (const int8_t* end = ahead + aheadStep * args.taps * args.quads; ahead < end; ahead += 64) {
      OCTAVO_FETCH(ahead);
    }
    typename V::Int acc[MR][NV];
    startTile<V, MR, NV>(args, acc);
    const int8_t* w = args.weights;
    TapWalk<MR> tap(args, rows);
    for (; !tap.isOver(); tap.next(w)) {
      const uint32_t* quad = args.order + tap.number * args.quads;
      const uint32_t *small = quad + args.small[tap.number], *end = quad + args.quads;
      for (; quad < small; ++quad, w += NV * V::kBytes) {
        addProducts<V, SmallProduct<V>, MR, NV>(acc, tap.a, tap.at + *quad, w);
      }
      for (; quad < end; ++quad, w += NV * V::kBytes) {
        addProducts<V, Any, MR, NV>(acc, tap.a, tap.at + *quad, w);
      }
    }
    finishTile<V, MR, NV>(args, finish, tap.row, rows, acc);
    return ahead;
  }
};

template <typename V, typename Any, int MR, int NV>
inline void mixedKernel(const DotArgs& args) {
  dotTiles<MixedTile<V, Any>, MR, NV>(args);
}

}  // namespace
}  // namespace octavo
