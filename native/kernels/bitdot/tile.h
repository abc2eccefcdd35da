// The kernel of the family as a template over a counter C: MR rows × NV vectors of columns stay in
// registers over all words, or as many as a counter can take at once.
#pragma once

#include "native/kernels/bitdot/bitdot.h"
#include "native/kernels/bitdot/store.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename C, int MR, int NV>
OCTAVO_NOINLINE void bitTile(const BitDotArgs& args, size_t row) {
  constexpr size_t kColumns = NV * C::kWords;
  const uint32_t* x = args.x + row * args.xStride;
  const uint32_t* w = args.panel;
  uint32_t differing[MR][kColumns];
  for (size_t word = 0; word < args.words;) {
    typename C::Vector count[MR][NV];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) count[i][j] = C::zero();
    }
    const size_t end = args.words - word < C::kMostWords ? args.words : word + C::kMostWords;
    const bool first = word == 0;
    for (; word < end; ++word, w += kColumns) {
      typename C::Vector right[NV];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) right[j] = C::load(w + j * C::kWords);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) {
        const auto left = C::broadcast(x[i * args.xStride + word]);
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) C::add(count[i][j], left, right[j]);
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) C::store(differing[i] + j * C::kWords, count[i][j], first);
    }
  }
  for (int i = 0; i < MR; ++i) storeBitDotRow(args, row + i, differing[i]);
}

template <typename C, int MR, int NV>
OCTAVO_INLINE void bitRest(const BitDotArgs& args, size_t row) {
  if constexpr (MR > 1) {
    if (args.rows - row < MR) return bitRest<C, MR - 1, NV>(args, row);
  }
  bitTile<C, MR, NV>(args, row);
}

template <typename C, int MR, int NV>
OCTAVO_INLINE void bitDot(const BitDotArgs& args) {
  for (size_t row = 0; row < args.rows; row += MR) bitRest<C, MR, NV>(args, row);
}

}  // namespace
}  // namespace octavo
