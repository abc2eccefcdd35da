// The kernel as a template over a vector vocabulary V (kernels/simd): what every vector instruction
// set shares. A tile of MR rows × NV vectors of columns stays in registers over the whole depth.
// Rows are dealt out evenly among tiles, since one of few rows waits for its sums more than it
// multiplies. The first tiles fetch what is multiplied next, a line in each step of depth.
#pragma once

#include "native/kernels/f32dot/f32dot.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// Columns of vector j that are stored, from 0 to a whole vector.
template <typename V>
inline size_t columnsOf(const FloatDotArgs& args, int j) {
  const size_t before = static_cast<size_t>(j) * V::kWords;
  if (args.columns <= before) return 0;
  return args.columns - before < V::kWords ? args.columns - before : V::kWords;
}

// Adds the products of depth k.
template <typename V, int MR, int NV>
OCTAVO_INLINE void floatDotStep(typename V::Float (&acc)[MR][NV], const float* const (&a)[MR],
                                size_t k, const float* w) {
  using Float = typename V::Float;
  Float right[NV];
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) right[j] = V::loadFloat(w + j * V::kWords);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) {
    if constexpr (NV == 1) {
      V::accumulateOne(acc[i][0], a[i] + k, right[0]);
    } else {
      const Float left = V::broadcast(a[i] + k);
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) V::accumulate(acc[i][j], left, right[j]);
    }
  }
}

// `next`, where kFetch, is the first of taps × depth lines to fetch.
template <typename V, int MR, int NV, bool kFetch>
inline void floatDotTile(const FloatDotArgs& args, size_t row, const float* next) {
  using Float = typename V::Float;
  const bool whole = args.columns == NV * V::kWords;
  float* y = args.y + row * args.yStride;
  Float acc[MR][NV];
  if (args.bias != nullptr) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const Float bias = V::loadFloat(args.bias + j * V::kWords);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) acc[i][j] = bias;
    }
  } else {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const size_t columns = columnsOf<V>(args, j);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) {
        const float* from = y + static_cast<size_t>(i) * args.yStride + j * V::kWords;
        acc[i][j] = whole ? V::loadFloat(from) : V::loadFloats(from, columns);
      }
    }
  }

  const float* a[MR];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) a[i] = args.a[row + i] + args.offset;
  const float* w = args.weights;
  size_t runLeft = args.runTaps;
  for (size_t tap = 0; tap < args.taps; ++tap) {
    size_t left = args.depth;
    if constexpr (V::kMovesPointers || (NV == 1 && V::kMultipliesMemory)) {
      // Pointers that move, not one index: with an index an instruction that multiplies memory is
      // taken apart, and four steps share the moves.
      constexpr int kSteps = 4;
      for (; left >= kSteps; left -= kSteps) {
#pragma GCC unroll 4
        for (int k = 0; k < kSteps; ++k) {
          floatDotStep<V, MR, NV>(acc, a, k, w + k * NV * V::kWords);
          if constexpr (kFetch) OCTAVO_FETCH_FAR(next + k * kFloatLine);
        }
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
          a[i] += kSteps;
          OCTAVO_KEEP_IN_REGISTER(a[i]);
        }
        w += kSteps * NV * V::kWords;
        if constexpr (kFetch) next += kSteps * kFloatLine;
      }
    }
#pragma GCC unroll 1
    for (size_t k = 0; k < left; ++k) {
      floatDotStep<V, MR, NV>(acc, a, k, w);
      w += NV * V::kWords;
      if constexpr (kFetch) {
        OCTAVO_FETCH_FAR(next);
        next += kFloatLine;
      }
    }
    size_t step = args.tapStride;
    if (--runLeft == 0) {
      runLeft = args.runTaps;
      step = args.runStride - (args.runTaps - 1) * args.tapStride;
      w += args.weightSkip;
    }
    step -= args.depth - left;
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) a[i] += static_cast<ptrdiff_t>(step);
  }
  // Bounds first: the second operand is what comes through where one is NaN.
  const Float lower = V::setFloat(args.lower), upper = V::setFloat(args.upper);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i, y += args.yStride) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const Float value = V::min(upper, V::max(lower, acc[i][j]));
      if (whole) {
        V::storeFloat(y + j * V::kWords, value);
      } else {
        V::storeFloats(y + j * V::kWords, value, columnsOf<V>(args, j));
      }
    }
  }
}

// Goes through the rows of a call.
struct FloatDotWalk {
  size_t row;
  const float* next;
  size_t nextLines;  // that are still to be fetched
};

// The next `tiles` tiles of `count` rows each, 1 <= count <= MR.
template <typename V, int MR, int NV>
inline void floatDotTiles(const FloatDotArgs& args, size_t count, size_t tiles,
                          FloatDotWalk& walk) {
  if constexpr (MR > 1) {
    if (count < MR) return floatDotTiles<V, MR - 1, NV>(args, count, tiles, walk);
  }
  const size_t lines = args.taps * args.depth;
  for (; tiles > 0 && walk.nextLines > 0;
       --tiles, walk.row += MR, walk.next += lines * kFloatLine) {
    floatDotTile<V, MR, NV, true>(args, walk.row, walk.next);
    walk.nextLines -= walk.nextLines < lines ? walk.nextLines : lines;
  }
  for (; tiles > 0; --tiles, walk.row += MR) {
    floatDotTile<V, MR, NV, false>(args, walk.row, nullptr);
  }
}

template <typename V, int MR, int NV>
inline void floatDot(const FloatDotArgs& args) {
  const size_t tiles = (args.rows + MR - 1) / MR;
  if (tiles == 0) return;
  FloatDotWalk walk{0, args.next, args.next == nullptr ? 0 : args.nextLines};
  const size_t each = args.rows / tiles, larger = args.rows % tiles;
  if (larger > 0) floatDotTiles<V, MR, NV>(args, each + 1, larger, walk);
  floatDotTiles<V, MR, NV>(args, each, tiles - larger, walk);
}

}  // namespace
}  // namespace octavo
