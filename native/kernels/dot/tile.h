// The dot kernel as a template over a vector vocabulary V (kernels/simd) and a way to multiply P:
// what every vector instruction set shares. A tile of MR rows × NV vectors of columns stays in
// registers over the whole depth; rows that remain take a lower tile of their own.
#pragma once

#include <string.h>

#include "native/kernels/dot/dot.h"
#include "native/kernels/simd/product.h"
#include "native/kernels/simd/requantize.h"

namespace octavo {
namespace {

// Row `row` and the ones behind it out of `rows` that were packed together.
template <typename V, int NV, int rows, int row = 0>
OCTAVO_INLINE void storeRows(typename V::Int bytes, uint8_t* y, size_t stride, size_t columns) {
  if constexpr (row < rows) {
    const auto part = V::template compactRow<NV, row>(bytes);
    if (columns == NV * V::kWords) {
      V::template storeBytes<NV * V::kWords>(y, part);
    } else {
      V::storeFirst(y, part, columns);
    }
    storeRows<V, NV, rows, row + 1>(bytes, y + stride, stride, columns);
  }
}

// Requantizes rows that together have no more than four vectors.
template <typename V, int NV, int rows>
OCTAVO_INLINE void storeUint8(const Requantize<V>& to, const DotArgs& args, uint8_t* y,
                              const typename V::Int (*acc)[NV]) {
  typename V::Int q[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      q[i * NV + j] = to.scale(acc[i][j], args.multiplier + j * V::kWords);
    }
  }
  const auto bytes = V::template compact<NV>(to.pack(q[0], q[1], q[2], q[3]));
  storeRows<V, NV, rows>(bytes, y, args.yStride, args.columns);
}

// Float32 and int32 results, from a tile in memory: [row][position]. Not inlined, for it is seldom
// the bottleneck and would be half of every tile's code.
template <typename V, int NV>
OCTAVO_NOINLINE void storeWords(const DotArgs& args, size_t row, size_t rows, int32_t* tile) {
  const auto lower = V::setFloat(args.lower), upper = V::setFloat(args.upper);
  uint8_t* y = static_cast<uint8_t*>(args.y) + row * args.yStride;
  for (size_t i = 0; i < rows; ++i, tile += NV * V::kWords, y += args.yStride) {
    if (args.output == DotOutput::kFloat32) {
      for (int j = 0; j < NV; ++j) {
        const auto m = V::loadFloat(args.multiplier + j * V::kWords);
        const auto product = V::multiply(V::toFloat(V::load(tile + j * V::kWords)), m);
        V::store(tile + j * V::kWords, V::bits(V::min(V::max(product, lower), upper)));
      }
    }
    for (size_t column = 0; column < args.columns; column += 4) {
      const size_t group = column / 4, lane = group / NV, vector = group % NV;
      const size_t left = args.columns - column;
      memcpy(y + 4 * column, tile + vector * V::kWords + 4 * lane, 4 * (left < 4 ? left : 4));
    }
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

// Takes off what zero points of weights add, and stores.
template <typename V, int MR, int NV>
OCTAVO_INLINE void finishTile(const DotArgs& args, size_t row, typename V::Int (*acc)[NV]) {
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

  if (args.output == DotOutput::kUint8) {
    const Requantize<V> to(args.zero, args.min, args.max);
    const DotArgs local = args;  // y could be anything that a reference leads to
    uint8_t* y = static_cast<uint8_t*>(local.y) + row * local.yStride;
    constexpr int kTogether = NV > 2 ? 1 : 4 / NV, kWhole = MR / kTogether * kTogether;
#pragma GCC unroll 16
    for (int i = 0; i < kWhole; i += kTogether) {
      storeUint8<V, NV, kTogether>(to, local, y + i * local.yStride, acc + i);
    }
#pragma GCC unroll 16
    for (int i = kWhole; i < MR; ++i) {
      storeUint8<V, NV, 1>(to, local, y + i * local.yStride, acc + i);
    }
  } else {
    int32_t tile[MR * NV * V::kWords];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) V::store(tile + (i * NV + j) * V::kWords, acc[i][j]);
    }
    storeWords<V, NV>(args, row, MR, tile);
  }
}

// A tile whose rows are read four bytes at a time, each time for a whole vector.
template <typename V, typename P>
struct QuadTile {
  template <int MR, int NV>
  static inline void run(const DotArgs& args, size_t row) {
    typename V::Int acc[MR][NV];
    startTile<V, MR, NV>(args, acc);
    const int8_t* w = args.weights;
    for (size_t tap = 0; tap < args.taps; ++tap) {
      const uint8_t* a[MR];
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) a[i] = args.a[tap * args.rows + row + i] + args.offset;
      const size_t depth = 4 * args.quads;
      for (size_t k = 0; k < depth; k += 4) {
        typename P::Right right[NV];
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) right[j] = P::right(w + j * V::kBytes);
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
          const typename P::Left left = P::left(V::broadcast4(a[i] + k));
#pragma GCC unroll 4
          for (int j = 0; j < NV; ++j) P::accumulate(acc[i][j], left, right[j]);
        }
        w += NV * V::kBytes;
      }
    }
    finishTile<V, MR, NV>(args, row, acc);
  }
};

// The `rest` rows behind the last whole tile, 1 <= rest <= MR.
template <typename Tile, int MR, int NV>
inline void dotRest(const DotArgs& args, size_t row, size_t rest) {
  if constexpr (MR > 1) {
    if (rest < MR) return dotRest<Tile, MR - 1, NV>(args, row, rest);
  }
  Tile::template run<MR, NV>(args, row);
}

template <typename Tile, int MR, int NV>
inline void dotTiles(const DotArgs& args) {
  size_t row = 0;
  for (; row + MR <= args.rows; row += MR) Tile::template run<MR, NV>(args, row);
  if (row < args.rows) dotRest<Tile, MR, NV>(args, row, args.rows - row);
}

template <typename V, typename P, int MR, int NV>
inline void dotKernel(const DotArgs& args) {
  dotTiles<QuadTile<V, P>, MR, NV>(args);
}

}  // namespace
}  // namespace octavo
