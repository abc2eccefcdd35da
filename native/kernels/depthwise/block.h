// What both forms share, and kTaps, as templates over a vector vocabulary V and a way to multiply P
// (kernels/simd).
#pragma once

#include "native/kernels/depthwise/depthwise.h"
#include "native/kernels/depthwise/words.h"
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
template <typename V>
OCTAVO_INLINE void transpose(const Pair<V>& ab, const Pair<V>& cd, typename V::Int* groups) {
  groups[0] = V::unpackLow16(ab.low, cd.low);
  groups[1] = V::unpackHigh16(ab.low, cd.low);
  groups[2] = V::unpackLow16(ab.high, cd.high);
  groups[3] = V::unpackHigh16(ab.high, cd.high);
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

template <typename V>
OCTAVO_INLINE typename V::Int requantized(const DepthwiseArgs& args, const Requantize<V>& to,
                                          typename V::Int a, typename V::Int b, typename V::Int c,
                                          typename V::Int d) {
  const float* multiplier = args.multiplier;
  return to.pack(to.scale(a, multiplier), to.scale(b, multiplier + V::kWords),
                 to.scale(c, multiplier + 2 * V::kWords), to.scale(d, multiplier + 3 * V::kWords));
}

template <typename V, int Outputs>
OCTAVO_INLINE void storeOutputs(const DepthwiseArgs& args, const Requantize<V>& to, uint8_t* y,
                                const typename V::Int (*acc)[4]) {
#pragma GCC unroll 4
  for (int o = 0; o < Outputs; ++o, y += args.yStride) {
    const auto bytes = requantized<V>(args, to, acc[o][0], acc[o][1], acc[o][2], acc[o][3]);
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
  const int32_t* at = args.taps.tapAt;
  const size_t quads = args.quads, offset = args.offset;
  for (size_t quad = 0; quad < quads; ++quad, at += 4, w += 4 * P::kWeightBytes) {
    typename P::Left groups[Outputs][4];
#pragma GCC unroll 2
    for (int o = 0; o < Outputs; ++o) {
      const uint8_t* const* pixel = grid + o * args.taps.step;
      const Pair<V> ab(pixel[at[0]] + offset, pixel[at[1]] + offset);
      const Pair<V> cd(pixel[at[2]] + offset, pixel[at[3]] + offset);
      typename V::Int bytes[4];
      transpose<V>(ab, cd, bytes);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) groups[o][j] = P::left(bytes[j]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const typename P::Right weights = P::right(w + j * P::kWeightBytes);
#pragma GCC unroll 2
      for (int o = 0; o < Outputs; ++o) P::accumulate(acc[o][j], groups[o][j], weights);
    }
  }
  if (args.output == DepthwiseOutput::kUint8) {
    storeOutputs<V, Outputs>(args, to, y, acc);
    return;
  }
  for (int o = 0; o < Outputs; ++o, y += args.yStride) {
    int32_t sums[4 * V::kWords];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) V::store(sums + j * V::kWords, acc[o][j]);
    storeWords<V>(args, y, sums);
  }
}

template <typename V, typename P, int Outputs>
inline void depthwiseTaps(const DepthwiseArgs& given) {
  const DepthwiseArgs args = given;
  const Requantize<V> to(args.zero, args.min, args.max);
  const uint8_t* const* grid = args.taps.grid;
  uint8_t* y = args.y;
  size_t left = args.outputs;
  for (; left >= Outputs;
       left -= Outputs, grid += Outputs * args.taps.step, y += Outputs * args.yStride) {
    tapsOutputs<V, P, Outputs>(args, grid, to, y);
  }
  if (Outputs > 1 && left > 0) tapsOutputs<V, P, 1>(args, grid, to, y);
}

}  // namespace
}  // namespace octavo
