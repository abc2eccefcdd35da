// Products of int16 rows with packed int16 columns, summed in 64 bits: the kernel under
// MatMulInt16. ops/matmulint16 drives it; pack/words makes what it reads.
//
//   acc[r][c] = bias[c] + Σ_k x[r][k] · w[k][c]
//
// exact. What instructions add up is 32 bits wide, and two products of -32768 alone wrap around. So
// sums of 32 bits are moved to 64 bits every `chunk` pairs of k, where
//   Σ |w| over the 2 · chunk weights of any chunk of any column <= 65535:
// times |x| <= 32768 that is at most 2^31 - 32768, so nothing wraps. Small weights make long
// chunks; those of int8, say, at least 255 pairs. Where large weights would make short ones,
// `parts` is 2 and each weight is 256 · high + low, both from -128 to 128: the panel holds the high
// parts of all k, then the low ones, and acc = bias + 256 · Σ x · high + Σ x · low.
//
// A panel holds `columns` columns as [part][pair][column][2]; weights beyond the depth are 0. x is
// read to the end of a pair, up to 2 bytes beyond a row, which meet such a weight.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

enum class Dot16Output : int32_t { kInt16, kInt64, kFloat32 };

struct Dot16Args {
  const int16_t* x;  // row r begins at x + r * xStride
  size_t xStride;
  size_t rows;
  size_t pairs;
  size_t chunk;
  size_t parts;          // 1 or 2
  const int16_t* panel;  // 64-byte aligned

  const int32_t* bias;      // of each column that is stored, or null
  const float* multiplier;  // likewise; not read for int64
  void* y;                  // row r begins at y + r * yStride elements
  size_t yStride;
  size_t columns;  // that are stored, from 1 to the kernel's
  Dot16Output output;
  int32_t min, max;  // of int16: clamp(rne(f32(acc) * multiplier), min, max)
};

struct Dot16Kernel {
  const char* name;
  Isa isa;
  int columns;  // of a panel
  void (*run)(const Dot16Args& args);
};

const Dot16Kernel& chooseDot16(Isa isa);

}  // namespace octavo
