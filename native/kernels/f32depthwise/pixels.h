// The kernel as a template over a vector vocabulary V (kernels/simd), line by line. A vector of
// channels at a time, P neighbouring pixels share the weights, and, where their windows overlap,
// the cells they read.
//
// Lanes behind the last channel compute on what follows in memory, with weights of 0, and are not
// stored; kTensorSlack makes them readable at the end of a tensor.
#pragma once

#include "native/kernels/f32depthwise/f32depthwise.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// One vector of channels of a run of pixels.
template <typename V>
struct DepthwiseLane {
  const float* x;
  const float* weights;
  typename V::Float bias, lower, upper;
  float* y;
  size_t channels;  // that are stored
};

// Stores P pixels of a line from y on, their first `channels` channels.
template <typename V, int P>
inline void storePixels(const FloatDepthwiseArgs& args, typename V::Float lower,
                        typename V::Float upper, size_t channels, const typename V::Float (&acc)[P],
                        float* y) {
  // Bounds first: the second operand is what comes through where one is NaN.
#pragma GCC unroll 8
  for (int q = 0; q < P; ++q, y += args.yStride) {
    const typename V::Float value = V::min(upper, V::max(lower, acc[q]));
    if (channels == V::kWords) {
      V::storeFloat(y, value);
    } else {
      V::storeFloats(y, value, channels);
    }
  }
}

// P pixels from pixel `p` on. Of windows with `cells` = K > 0 cells that lie S cells apart from
// pixel to pixel, K and S known; or of any, with K = 0.
template <typename V, int P, int K, int S>
inline void depthwisePixels(const FloatDepthwiseArgs& args, const DepthwiseLane<V>& lane,
                            size_t p) {
  using Float = typename V::Float;
  Float acc[P];
#pragma GCC unroll 8
  for (int q = 0; q < P; ++q) acc[q] = lane.bias;
  const float* x = lane.x + p * args.pixelStride;
  const float* w = lane.weights;
  const size_t cellStride = args.cellStride;
  for (size_t i = 0; i < args.rows; ++i) {
    if constexpr (K > 0) {
      Float weights[K];
#pragma GCC unroll 8
      for (int j = 0; j < K; ++j) weights[j] = V::loadFloat(w + j * kDepthwiseBlock);
      const float* cell = x;
#pragma GCC unroll 32
      for (int column = 0; column < (P - 1) * S + K; ++column, cell += cellStride) {
        const Float value = V::loadFloat(cell);
#pragma GCC unroll 8
        for (int q = 0; q < P; ++q) {
          const int j = column - q * S;
          if (j >= 0 && j < K) V::accumulate(acc[q], value, weights[j]);
        }
      }
    } else {
      for (size_t j = 0; j < args.cells; ++j) {
        const Float weight = V::loadFloat(w + j * kDepthwiseBlock);
#pragma GCC unroll 8
        for (int q = 0; q < P; ++q) {
          V::accumulate(acc[q], V::loadFloat(x + q * args.pixelStride + j * cellStride), weight);
        }
      }
    }
    x += args.rowStride;
    w += args.weightRow * kDepthwiseBlock;
  }
  float* y = lane.y + p * args.yStride;
  storePixels<V, P>(args, lane.lower, lane.upper, lane.channels, acc, y);
}

template <typename V, int K, int S>
OCTAVO_NOINLINE void depthwiseRun(const FloatDepthwiseArgs& args) {
  const auto lower = V::setFloat(args.lower), upper = V::setFloat(args.upper);
  for (size_t c = 0; c < args.channels; c += V::kWords) {
    const size_t left = args.channels - c;
    const size_t at = c / kDepthwiseBlock * args.blockStride + c % kDepthwiseBlock;
    const DepthwiseLane<V> lane{
        args.x + c, args.weights + at, V::loadFloat(args.bias + at),       lower,
        upper,      args.y + c,        left < V::kWords ? left : V::kWords};
    size_t p = 0;
    for (; p + 4 <= args.pixels; p += 4) depthwisePixels<V, 4, K, S>(args, lane, p);
    if (p + 2 <= args.pixels) {
      depthwisePixels<V, 2, K, S>(args, lane, p);
      p += 2;
    }
    if (p < args.pixels) depthwisePixels<V, 1, K, S>(args, lane, p);
  }
}

// The first of the lines.
template <typename V>
inline void depthwiseLine(const FloatDepthwiseArgs& args) {
  const size_t one = args.cellStride, two = 2 * one, stride = args.pixelStride;
  if (args.cells == 3 && stride == one) return depthwiseRun<V, 3, 1>(args);
  if (args.cells == 3 && stride == two) return depthwiseRun<V, 3, 2>(args);
  if (args.cells == 5 && stride == one) return depthwiseRun<V, 5, 1>(args);
  if (args.cells == 5 && stride == two) return depthwiseRun<V, 5, 2>(args);
  depthwiseRun<V, 0, 0>(args);
}

template <typename V>
inline void depthwise(const FloatDepthwiseArgs& args) {
  FloatDepthwiseArgs line = args;
  for (size_t l = 0; l < args.lines; ++l) {
    depthwiseLine<V>(line);
    line.x += args.lineStride;
    line.y += args.yLine;
  }
}

}  // namespace
}  // namespace octavo
