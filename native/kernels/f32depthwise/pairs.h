// Two lines at a time whose windows are three rows high, as a template over a vector vocabulary V
// (kernels/simd) with sixteen registers: rows of cells that windows of both lines have are read
// once. What is wide passes its pixels in groups, all channels of one before the next, so that
// memory is read as it lies.
#pragma once

#include "native/kernels/f32depthwise/pixels.h"

namespace octavo {
namespace {

// Rows of cells that one vector of channels after the other may pass.
constexpr size_t kNearBytes = 128 << 10;
// Rows of cells that stay in the nearest cache.
constexpr size_t kNearestBytes = 16 << 10;
constexpr size_t kGroup = 4;      // pixels
constexpr size_t kLongGroup = 8;  // pixels that are worth a group of their own
constexpr size_t kAhead = 12;     // pixels from what is read to what is fetched for it

// One vector of channels of two runs of pixels.
struct PairLane {
  const float *x, *weights, *bias;
  float* y;
  size_t channels;  // that are stored
};

// P pixels from pixel `p` on, of windows with 3 × K cells that lie S cells apart both ways.
template <typename V, int P, int K, int S>
inline void depthwisePair(const FloatDepthwiseArgs& args, const PairLane& lane, size_t p) {
  using Float = typename V::Float;
  constexpr int kColumns = (P - 1) * S + K;
  Float acc[2][P];
  const Float bias = V::loadFloat(lane.bias);
#pragma GCC unroll 8
  for (int q = 0; q < P; ++q) acc[0][q] = acc[1][q] = bias;
  const float* x = lane.x + p * args.pixelStride;
  const float* w = lane.weights;
  const size_t weightRow = args.weightRow * kDepthwiseBlock, cellStride = args.cellStride;
#pragma GCC unroll 8
  for (int row = 0; row < 3 + S; ++row, x += args.rowStride) {
    // Of line 0 and of line 1.
    const bool inside[2] = {row < 3, row >= S};
    Float weights[2][K];
#pragma GCC unroll 2
    for (int line = 0; line < 2; ++line) {
      if (!inside[line]) continue;
      const float* from = w + static_cast<size_t>(row - line * S) * weightRow;
#pragma GCC unroll 4
      for (int j = 0; j < K; ++j) weights[line][j] = V::loadFloat(from + j * kDepthwiseBlock);
    }
    const float* cells = x;
#pragma GCC unroll 16
    for (int column = 0; column < kColumns; ++column) {
      if (column > 0 && column % 3 == 0) {
        cells += 3 * cellStride;
        OCTAVO_KEEP_IN_REGISTER(cells);
      }
      const Float value = V::loadFloat(cells + static_cast<size_t>(column % 3) * cellStride);
#pragma GCC unroll 2
      for (int line = 0; line < 2; ++line) {
        if (!inside[line]) continue;
#pragma GCC unroll 8
        for (int q = 0; q < P; ++q) {
          const int j = column - q * S;
          if (j >= 0 && j < K) V::accumulate(acc[line][q], value, weights[line][j]);
        }
      }
    }
    // Read again, rather than kept where no register is left.
    OCTAVO_KEEP_IN_REGISTER(w);
  }
  const Float lower = V::setFloat(args.lower), upper = V::setFloat(args.upper);
  float* y = lane.y + p * args.yStride;
  storePixels<V, P>(args, lower, upper, lane.channels, acc[0], y);
  storePixels<V, P>(args, lower, upper, lane.channels, acc[1], y + args.yLine);
}

// Fetches, for the channels of a cache line, what no window in front of the group at pixel `first`
// reads. A hint, which may name what is behind the lines.
template <int S>
inline void fetchGroup(const FloatDepthwiseArgs& args, size_t c, size_t first) {
  const float* x = args.x + (3 - S) * args.rowStride + first * args.pixelStride + c;
  for (size_t cell = 0; cell < kGroup * S; ++cell, x += args.cellStride) {
#pragma GCC unroll 4
    for (size_t row = 0; row < 2 * S; ++row) OCTAVO_FETCH_FAR(x + row * args.rowStride);
  }
}

template <typename V, int K, int S>
OCTAVO_NOINLINE void depthwisePairs(const FloatDepthwiseArgs& args) {
  const size_t pixelBytes = (3 + S) * args.pixelStride * sizeof(float);
  const bool isWide = args.pixels * pixelBytes > kNearBytes;
  const size_t nearest = kNearestBytes / pixelBytes / kGroup * kGroup;
  const size_t group = isWide ? kGroup : nearest < kLongGroup ? args.pixels : nearest;
  for (size_t first = 0; first < args.pixels; first += group) {
    const size_t end = args.pixels - first < group ? args.pixels : first + group;
    for (size_t c = 0; c < args.channels; c += V::kWords) {
      if (isWide && c % kDepthwiseBlock == 0) fetchGroup<S>(args, c, first + kAhead);
      const size_t left = args.channels - c;
      const size_t at = c / kDepthwiseBlock * args.blockStride + c % kDepthwiseBlock;
      const PairLane lane{args.x + c, args.weights + at, args.bias + at, args.y + c,
                          left < V::kWords ? left : V::kWords};
      size_t p = first;
      for (; p + 4 <= end; p += 4) depthwisePair<V, 4, K, S>(args, lane, p);
      if (p + 2 <= end) {
        depthwisePair<V, 2, K, S>(args, lane, p);
        p += 2;
      }
      if (p < end) depthwisePair<V, 1, K, S>(args, lane, p);
    }
  }
}

// Takes what pairs are for; false leaves everything to be done.
template <typename V>
inline bool depthwiseAsPairs(const FloatDepthwiseArgs& args) {
  if (args.lines != 2 || args.rows != 3) return false;
  const bool one = args.lineStride == args.rowStride && args.pixelStride == args.cellStride;
  const bool two = args.lineStride == 2 * args.rowStride && args.pixelStride == 2 * args.cellStride;
  if (!one && !two) return false;
  if (args.cells == 3) {
    (one ? depthwisePairs<V, 3, 1> : depthwisePairs<V, 3, 2>)(args);
  } else if (args.cells == 2) {
    (one ? depthwisePairs<V, 2, 1> : depthwisePairs<V, 2, 2>)(args);
  } else {
    return false;
  }
  return true;
}

}  // namespace
}  // namespace octavo
