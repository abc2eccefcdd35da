// Products of int8 rows with columns of 4-bit weights that have a scale for every block of them,
// and float32 results: the kernel under MatMulInt4. ops/matmulint4 drives it; pack/nibbles makes
// what it reads.
//
// Of every row and column
//   sum = 0; for each block in ascending order: sum = f32(sum + f32(f32(acc) · scale[block][c]))
//   acc = Σ_k x[r][k] · (w[k][c] − zero[block][c]), over the block, exact in int32
//   y[r][c] = f32(sum · xScale[r]), or f32(that + bias[c])
// Nothing else is rounded and no two roundings become one, so that every kernel gives the same
// bits.
//
// A panel holds `columns` columns, as one record for each block:
//   scale   float32 [columns]
//   zero    uint8 [columns], only if `zeros`; else all zero points are 8
//   nibbles [pair][column][4]: byte i has weight k = 8 · pair + i in its low half and k + 4 in its
//           high half. What is four bytes of each column in a vector becomes, by one mask and one
//           shift, two vectors of what vpdpbusd multiplies with four bytes of x.
// Weights beyond the depth are the zero point of their block: x is read to the end of a pair, up to
// 7 bytes beyond a row, and what lies there takes itself off again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

struct NbitsArgs {
  const int8_t* x;  // row r begins at x + r * xStride
  size_t xStride;
  size_t rows;
  const float* xScale;  // of each row
  const int32_t*
      sums;  // Σ x of block b of row r, to the end of its last pair: sums[r * blocks + b]

  const uint8_t* panel;  // 64-byte aligned
  size_t blocks;
  size_t pairs, lastPairs;  // of a block, and of the last one, which the depth may cut short
  bool zeros;

  const float* bias;  // of each column that is stored, or null
  float* y;           // row r begins at y + r * yStride
  size_t yStride;
  size_t columns;  // that are stored, from 1 to the kernel's

  uint8_t* scratch;  // nbitsScratch() bytes, 64-byte aligned
};

struct NbitsKernel {
  const char* name;
  Isa isa;
  int columns;  // of a panel, a multiple of 16
  void (*run)(const NbitsArgs& args);
};

// sums[b] = Σ x over block b, each of `pairs` pairs but the last one of `lastPairs`.
struct BlockSumArgs {
  const int8_t* x;
  size_t blocks, pairs, lastPairs;
  int32_t* sums;
};

struct BlockSumKernel {
  const char* name;
  Isa isa;
  void (*run)(const BlockSumArgs& args);
};

// Bytes of a record without its nibbles.
inline size_t nbitsHead(size_t columns, bool zeros) { return columns * (zeros ? 5 : 4); }

// A block of a panel, unpacked, and the sums of `rows` rows.
inline size_t nbitsScratch(const NbitsKernel& kernel, size_t rows, size_t pairs) {
  const auto columns = static_cast<size_t>(kernel.columns);
  return 8 * pairs * columns + rows * columns * sizeof(float);
}

const NbitsKernel& chooseNbits(Isa isa);
const BlockSumKernel& chooseBlockSum(Isa isa);

}  // namespace octavo
