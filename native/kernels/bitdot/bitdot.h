// Products of rows and columns of ±1, one bit each: the kernel under MatMulInt1. ops/matmulint1
// drives it; pack/bits makes what it reads.
//
// Two bits that agree multiply to +1, two that differ to -1, so of every row and column
//   acc[r][c] = depth − 2 · popcount(x[r] xor w[c])
// which is exact, and is stored as it is, or as f32(f32(acc) · multiplier[c]), or f32(that +
// bias[c]).
//
// Bits come in words of 32: row r is x[r * xStride …], word by word; a panel holds `columns`
// columns as [word][column]. Bits beyond the depth are 0 in both, and so agree and count for
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

struct BitDotArgs {
  const uint32_t* x;
  size_t xStride;  // words
  size_t rows;
  size_t words;           // of a row, at least 1
  int32_t depth;          // bits that count
  const uint32_t* panel;  // 64-byte aligned

  const float* multiplier;  // of each column that is stored; null: y is int32
  const float* bias;        // likewise, or null
  void* y;                  // row r begins at y + 4 * r * yStride bytes
  size_t yStride;
  size_t columns;  // that are stored, from 1 to the kernel's
};

struct BitDotKernel {
  const char* name;
  Isa isa;
  int columns;    // of a panel
  bool popcount;  // needs isVpopcntSupported()
  void (*run)(const BitDotArgs& args);
};

const BitDotKernel& chooseBitDot(Isa isa);

}  // namespace octavo
