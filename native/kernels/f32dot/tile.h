// The kernel as a template over a vector vocabulary V (kernels/simd): what every vector instruction
// set shares. A tile of MR rows × NV vectors of columns stays in registers over the whole depth;
// rows that remain take a lower tile of their own. The first tiles fetch what is multiplied next, a
// line in each step of depth, until they have asked for as many lines as a panel has.
#pragma once

#include "native/kernels/f32dot/f32dot.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// Floats of a cache line.
constexpr size_t kLine = 16;

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

  const float* w = args.weights;
  for (size_t tap = 0; tap < args.taps; ++tap) {
    const float* a[MR];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) a[i] = args.a[tap * args.aStride + row + i] + args.offset;
    size_t depth = args.depth;
    if constexpr (V::kMovesPointers || (NV == 1 && V::kMultipliesMemory)) {
      // Pointers that move, not one index: with an index an instruction that multiplies memory is
      // taken apart, and four steps share the moves.
      constexpr int kSteps = 4;
      for (; depth >= kSteps; depth -= kSteps) {
#pragma GCC unroll 4
        for (int k = 0; k < kSteps; ++k) {
          floatDotStep<V, MR, NV>(acc, a, k, w + k * NV * V::kWords);
          if constexpr (kFetch) OCTAVO_FETCH_FAR(next + k * kLine);
        }
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
          a[i] += kSteps;
          OCTAVO_KEEP_IN_REGISTER(a[i]);
        }
        w += kSteps * NV * V::kWords;
        if constexpr (kFetch) next += kSteps * kLine;
      }
    }
    for (size_t k = 0; k < depth; ++k) {
      floatDotStep<V, MR, NV>(acc, a, k, w);
      w += NV * V::kWords;
      if constexpr (kFetch) {
        OCTAVO_FETCH_FAR(next);
        next += kLine;
      }
    }
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

// The `rest` rows behind the last whole tile, 1 <= rest <= MR.
template <typename V, int MR, int NV>
inline void floatDotRest(const FloatDotArgs& args, size_t row, size_t rest, const float* next) {
  if constexpr (MR > 1) {
    if (rest < MR) return floatDotRest<V, MR - 1, NV>(args, row, rest, next);
  }
  floatDotTile<V, MR, NV, true>(args, row, next);
}

template <typename V, int MR, int NV>
inline void floatDot(const FloatDotArgs& args) {
  const size_t lines = args.taps * args.depth * kLine;
  const float* next = args.next;
  size_t fetching = next == nullptr ? 0 : (NV * V::kWords + kLine - 1) / kLine;  // tiles to do it
  size_t row = 0;
  for (; row + MR <= args.rows && fetching > 0; row += MR, next += lines, --fetching) {
    floatDotTile<V, MR, NV, true>(args, row, next);
  }
  for (; row + MR <= args.rows; row += MR) floatDotTile<V, MR, NV, false>(args, row, nullptr);
  // What is fetched in vain is at hand.
  if (fetching == 0) next = args.weights;
  if (row < args.rows) floatDotRest<V, MR, NV>(args, row, args.rows - row, next);
}

}  // namespace
}  // namespace octavo
