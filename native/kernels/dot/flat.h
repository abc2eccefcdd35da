// Products of a few quads at each of several taps: quads of all taps are gone through in one loop,
// for loops of a few turns each would cost as much as what they multiply.
#pragma once

#include "native/kernels/dot/tile.h"

namespace octavo {
namespace {

// DotArgs::order tells where all quads are, as it does for panels of kSmall.
template <typename V, typename P>
struct FlatTile {
  using Vector = V;

  // What is read next is near anyway.
  template <int MR, int NV>
  static OCTAVO_INLINE const int8_t* run(const DotArgs& args, const Finish<V, NV>& finish,
                                         RowWalk& rows, const int8_t* ahead, size_t) {
    const size_t row = rows.row();
    typename V::Int acc[MR][NV];
    startTile<V, MR, NV>(args, acc);
    const uint8_t* a[MR];
    rows.takeRows<MR>(a);
    const int8_t* w = args.weights;
    const uint32_t *quad = args.order, *const end = quad + args.taps * args.quads;
    for (; quad < end; ++quad, w += NV * V::kBytes) addProducts<V, P, MR, NV>(acc, a, *quad, w);
    finishTile<V, MR, NV>(args, finish, row, rows, acc);
    return ahead;
  }
};

// Whether the call was such a product, and is done.
template <typename V, typename P, int MR, int NV>
inline bool dotFlat(const DotArgs& given) {
  constexpr size_t kMostQuads = 3, kMostOfAll = 24;
  const RowGrid* grid = given.grid;
  if (grid == nullptr || given.taps == 1 || given.quads > kMostQuads ||
      given.taps * given.quads > kMostOfAll || grid->tapSkip != 0) {
    return false;
  }
  uint32_t order[kMostOfAll], *quad = order;
  for (size_t tap = 0; tap < given.taps; ++tap) {
    const size_t at = tap / grid->runTaps * grid->runStride + tap % grid->runTaps * grid->tapStride;
    for (size_t q = 0; q < given.quads; ++q) *quad++ = static_cast<uint32_t>(at + 4 * q);
  }
  DotArgs args = given;
  args.order = order;
  dotTiles<FlatTile<V, P>, MR, NV>(args);
  return true;
}

}  // namespace
}  // namespace octavo
