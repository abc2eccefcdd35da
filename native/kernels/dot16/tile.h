// The kernel of the family as a template over a vector vocabulary V (kernels/simd) and a way to
// multiply P. A tile of MR rows × NV vectors of columns stays in registers for one chunk; its sums
// of 64 bits wait in memory meanwhile.
#pragma once

#include "native/kernels/dot16/dot16.h"
#include "native/kernels/dot16/store.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// Adds `pairs` pairs, one chunk, to the sums of MR rows.
template <typename V, typename P, int MR, int NV>
OCTAVO_NOINLINE void chunkTile(const int16_t* x, size_t xStride, const int16_t* w, size_t pairs,
                               int64_t* sums) {
  typename V::Int acc[MR][NV];
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) acc[i][j] = V::zero();
  }
  for (size_t pair = 0; pair < pairs; ++pair, x += 2, w += 2 * NV * V::kWords) {
    typename V::Int right[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) right[j] = V::load(w + 2 * j * V::kWords);
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) {
      const auto left = V::broadcast4(x + i * xStride);
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) P::accumulate(acc[i][j], left, right[j]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
    alignas(64) int32_t words[NV * V::kWords];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) V::store(words + j * V::kWords, acc[i][j]);
    for (int c = 0; c < NV * V::kWords; ++c) sums[i * NV * V::kWords + c] += words[c];
  }
}

template <typename V, typename P, int MR, int NV>
OCTAVO_INLINE void dot16Tile(const Dot16Args& args, size_t row) {
  constexpr size_t kColumns = NV * V::kWords;
  int64_t sums[MR * kColumns] = {};
  const int16_t* w = args.panel;
  for (size_t part = 0; part < args.parts; ++part) {
    if (part > 0) {
      for (int64_t& sum : sums) sum *= 256;
    }
    const int16_t* x = args.x + row * args.xStride;
    for (size_t left = args.pairs; left > 0;) {
      const size_t pairs = left < args.chunk ? left : args.chunk;
      chunkTile<V, P, MR, NV>(x, args.xStride, w, pairs, sums);
      left -= pairs;
      x += 2 * pairs;
      w += 2 * pairs * kColumns;
    }
  }
  for (int i = 0; i < MR; ++i) storeDot16Row(args, row + i, sums + i * kColumns);
}

template <typename V, typename P, int MR, int NV>
OCTAVO_INLINE void dot16Rest(const Dot16Args& args, size_t row) {
  if constexpr (MR > 1) {
    if (args.rows - row < MR) return dot16Rest<V, P, MR - 1, NV>(args, row);
  }
  dot16Tile<V, P, MR, NV>(args, row);
}

template <typename V, typename P, int MR, int NV>
OCTAVO_INLINE void dot16(const Dot16Args& args) {
  for (size_t row = 0; row < args.rows; row += MR) dot16Rest<V, P, MR, NV>(args, row);
}

// P for vpmaddwd, and an addition.
template <typename V>
struct MultiplyAddWords {
  static OCTAVO_INLINE void accumulate(typename V::Int& acc, typename V::Int a, typename V::Int b) {
    acc = V::add32(acc, V::multiplyAdd16(a, b));
  }
};

// P for vpdpwssd.
template <typename V>
struct DotWords {
  static OCTAVO_INLINE void accumulate(typename V::Int& acc, typename V::Int a, typename V::Int b) {
    V::dot16(acc, a, b);
  }
};

}  // namespace
}  // namespace octavo
