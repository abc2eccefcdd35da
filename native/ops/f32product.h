// What the products of float32 share: a strip of rows times panels of columns, the sum cut into
// blocks of depth so that the panel's part stays in the cache while the rows pass it.
#pragma once

#include <cstddef>

#include "native/ops/parts.h"
#include "native/pack/f32panels.h"
#include "native/status.h"

namespace octavo {

// Depth of a block, over all taps.
constexpr size_t kDepthBlock = 512;

// Multiplications that are worth handing to another thread, at least.
constexpr double kLeastFloatWork = 5e5;
// Rows that the tiles of all kernels divide.
constexpr size_t kFloatRowUnit = 24;

// Rows of a strip, where `rows` make about so many strips: units, unless that left a last strip of
// a few rows, which takes as long to read the weights as a whole one.
inline size_t evenStrip(size_t rows, size_t strips) {
  const size_t strip = roundUp(divideUp(rows, strips), kFloatRowUnit);
  if (strip >= rows) return rows;
  const size_t rest = rows % strip;
  return rest == 0 || rest >= kFloatRowUnit / 2 ? strip : divideUp(rows, rows / strip);
}

// A part of the sum: whole taps, or a part of one tap.
struct DepthBlock {
  size_t firstTap, taps;
  size_t offset, depth;  // within each tap
  size_t begin;          // depth over all taps at which it begins
  bool first, last;
};

// Calls body(block) for the blocks of taps × depth in order; once, empty, where there is no depth.
template <typename Body>
void forEachDepthBlock(size_t taps, size_t depth, Body&& body) {
  const size_t total = taps * depth;
  DepthBlock block{};
  do {
    const size_t tap = depth == 0 ? 0 : block.begin / depth;
    const size_t left = taps - tap;
    block.firstTap = tap;
    block.offset = depth == 0 ? 0 : block.begin % depth;
    if (depth >= kDepthBlock) {
      // Even parts, so that none is short.
      const size_t parts = (depth + kDepthBlock - 1) / kDepthBlock,
                   part = (depth + parts - 1) / parts;
      block.taps = left < 1 ? left : 1;
      block.depth = depth - block.offset < part ? depth - block.offset : part;
    } else {
      // Even parts likewise.
      const size_t most = depth == 0 ? taps : kDepthBlock / depth;
      const size_t parts = (taps + most - 1) / most, part = (taps + parts - 1) / parts;
      block.taps = left < part ? left : part;
      block.depth = depth;
    }
    const size_t end = block.begin + block.taps * block.depth;
    block.first = block.begin == 0;
    block.last = end == total;
    body(static_cast<const DepthBlock&>(block));
    block.begin = end;
  } while (block.begin < total);
}

// What all panels and blocks of a strip share, rows being one tap.
struct FloatStrip {
  const float* const* a;  // row r begins at a[r]
  size_t rows;
  const float* bias;  // of each column, or null for none
  bool continues;     // the sums begin with what y holds
  float* y;
  size_t yStride;
  float lower, upper;
};

// Whether a kernel that was asked for by name, if any, multiplies `element` and runs on this CPU.
Status checkFloatKernel(const FloatDotKernel* forced, FloatDotElement element);

// Lines of 64 bytes that so many floats fill.
constexpr size_t linesOf(size_t floats) { return (floats + kFloatLine - 1) / kFloatLine; }

// Adds one block to the columns of one panel; `weights` is the panel's part from block.begin on.
// `next` is what will be read as weights after it, or null: it is fetched on the way.
void addBlock(const FloatStrip& strip, const FloatPanel& panel, const DepthBlock& block,
              const float* weights, const float* next = nullptr);

}  // namespace octavo
