// The depthwise kernels as templates over a vector vocabulary V and a way to multiply P
// (kernels/simd).
#pragma once

#include "native/kernels/depthwise/depthwise.h"
#include "native/kernels/simd/product.h"
#include "native/kernels/simd/requantize.h"

namespace octavo {
namespace {

// Two pixels, their bytes interleaved.
template <typename V>
struct Pair {
  OCTAVO_INLINE Pair(const uint8_t* first, const uint8_t* second) {
    const auto a = V::load(first), b = V::load(second);
    low = V::unpackLow8(a, b);
    high = V::unpackHigh8(a, b);
  }
  typename V::Int low, high;
};

// Bytes of four pixels to groups of four bytes of the same channel.
template <typename V, typename P>
OCTAVO_INLINE void transpose(const Pair<V>& ab, const Pair<V>& cd, typename P::Left* groups) {
  groups[0] = P::left(V::unpackLow16(ab.low, cd.low));
  groups[1] = P::left(V::unpackHigh16(ab.low, cd.low));
  groups[2] = P::left(V::unpackLow16(ab.high, cd.high));
  groups[3] = P::left(V::unpackHigh16(ab.high, cd.high));
}

template <typename V, int Outputs>
OCTAVO_INLINE void startAt(const int32_t* bias, typename V::Int (*acc)[4]) {
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto start = V::load(bias + j * V::kWords);
#pragma GCC unroll 4
    for (int o = 0; o < Outputs; ++o) acc[o][j] = start;
  }
}

template <typename V, int Outputs>
OCTAVO_INLINE void storeOutputs(const DepthwiseArgs& args, const Requantize<V>& to, uint8_t* y,
                                const typename V::Int (*acc)[4]) {
#pragma GCC unroll 4
  for (int o = 0; o < Outputs; ++o, y += args.yStride) {
    typename V::Int q[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) q[j] = to.scale(acc[o][j], args.multiplier + j * V::kWords);
    const auto bytes = to.pack(q[0], q[1], q[2], q[3]);
    if (args.channels == V::kBytes) {
      V::store(y, bytes);
    } else {
      V::storeFirst(y, bytes, args.channels);
    }
  }
}

// Quads of any taps. `Outputs` share the weights that are loaded.
template <typename V, typename P, int Outputs>
OCTAVO_INLINE void tapsOutputs(const DepthwiseArgs& args, const uint8_t* const* grid,
                               const Requantize<V>& to, uint8_t* y) {
  typename V::Int acc[Outputs][4];
  startAt<V, Outputs>(args.bias, acc);
  const int8_t* w = args.weights;
  const int32_t* at = args.tapAt;
  const size_t quads = args.quads, offset = args.offset;
  for (size_t quad = 0; quad < quads; ++quad, at += 4, w += 4 * P::kWeightBytes) {
    typename P::Left groups[Outputs][4];
#pragma GCC unroll 2
    for (int o = 0; o < Outputs; ++o) {
      const uint8_t* const* pixel = grid + o * args.step;
      const Pair<V> ab(pixel[at[0]] + offset, pixel[at[1]] + offset);
      const Pair<V> cd(pixel[at[2]] + offset, pixel[at[3]] + offset);
      transpose<V, P>(ab, cd, groups[o]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const typename P::Right weights = P::right(w + j * P::kWeightBytes);
#pragma GCC unroll 2
      for (int o = 0; o < Outputs; ++o) P::accumulate(acc[o][j], groups[o][j], weights);
    }
  }
  storeOutputs<V, Outputs>(args, to, y, acc);
}

// Quads that are rows of the window. `Quads`: how many there are, or 0 if the compiler can't know.
template <typename V, typename P, int Quads, int Outputs>
OCTAVO_INLINE void rowsOutputs(const DepthwiseArgs& args, const uint8_t* const* grid,
                               const Requantize<V>& to, uint8_t* y) {
  constexpr int kTwos = (Outputs + 1) / 2, kShifts = Outputs == 1 ? 1 : 2;
  typename V::Int acc[Outputs][4];
  startAt<V, Outputs>(args.bias, acc);
  const int8_t* w = args.weights;
  const size_t quads = Quads == 0 ? args.quads : Quads, offset = args.offset;
#pragma GCC unroll 3
  for (size_t quad = 0; quad < quads; ++quad, w += 8 * P::kWeightBytes) {
    const uint8_t* const* pixel = grid + args.tapAt[4 * quad];
    typename P::Left groups[kTwos][4];
    Pair<V> pair(pixel[0] + offset, pixel[1] + offset);
#pragma GCC unroll 2
    for (int i = 0; i < kTwos; ++i) {
      const Pair<V> next(pixel[2 * i + 2] + offset, pixel[2 * i + 3] + offset);
      transpose<V, P>(pair, next, groups[i]);
      pair = next;
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
#pragma GCC unroll 2
      for (int shift = 0; shift < kShifts; ++shift) {
        const typename P::Right weights = P::right(w + (shift * 4 + j) * P::kWeightBytes);
#pragma GCC unroll 2
        for (int i = 0; i < kTwos; ++i) {
          P::accumulate(acc[2 * i + shift][j], groups[i][j], weights);
        }
      }
    }
  }
  storeOutputs<V, Outputs>(args, to, y, acc);
}

template <typename V, typename P, int Outputs>
inline void depthwiseTaps(const DepthwiseArgs& given) {
  const DepthwiseArgs args = given;
  const Requantize<V> to(args.zero, args.min, args.max);
  const uint8_t* const* grid = args.grid;
  uint8_t* y = args.y;
  size_t left = args.outputs;
  for (; left >= Outputs;
       left -= Outputs, grid += Outputs * args.step, y += Outputs * args.yStride) {
    tapsOutputs<V, P, Outputs>(args, grid, to, y);
  }
  if (Outputs > 1 && left > 0) tapsOutputs<V, P, 1>(args, grid, to, y);
}

template <typename V, typename P, int Quads, int Outputs>
OCTAVO_INLINE void rowsOf(const DepthwiseArgs& args) {
  const Requantize<V> to(args.zero, args.min, args.max);
  const uint8_t* const* grid = args.grid;
  uint8_t* y = args.y;
  size_t left = args.outputs;
  for (; left >= Outputs; left -= Outputs, grid += Outputs, y += Outputs * args.yStride) {
    rowsOutputs<V, P, Quads, Outputs>(args, grid, to, y);
  }
  if (Outputs > 2 && left >= 2) {
    rowsOutputs<V, P, Quads, 2>(args, grid, to, y);
    left -= 2;
    grid += 2;
    y += 2 * args.yStride;
  }
  if (left > 0) rowsOutputs<V, P, Quads, 1>(args, grid, to, y);
}

// Outputs: 2 or 4.
template <typename V, typename P, int Outputs>
inline void depthwiseRows(const DepthwiseArgs& given) {
  const DepthwiseArgs args = given;
  if (args.quads == 3) {
    rowsOf<V, P, 3, Outputs>(args);
  } else {
    rowsOf<V, P, 0, 2>(args);
  }
}

}  // namespace
}  // namespace octavo
