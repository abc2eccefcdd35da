// The kernel of the family as a template over a vector vocabulary V (kernels/simd) and a way to
// multiply P.
//
// Few rows wait for memory: every block is unpacked in registers where it is read, and the sums of
// all NV vectors of columns stay in registers from the first block to the last. Of many rows a
// block is unpacked once, into scratch, and all rows pass it; their sums wait in scratch meanwhile.
#pragma once

#include "native/kernels/nbits/nbits.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

// How far ahead of what few rows read the weights are fetched: the next page, which the hardware
// does not look into by itself. Beyond the last panel nothing comes of it.
constexpr size_t kAhead = 4096;

// P for instructions that add four u8 · s8 products to an int32.
template <typename V>
struct DotNibbles {
  static constexpr int kQuads = 1 << 30;  // that Sum may take before it goes to the accumulator
  using Sum = typename V::Int;
  static OCTAVO_INLINE Sum begin(typename V::Int acc) { return acc; }
  static OCTAVO_INLINE void accumulate(Sum& sum, typename V::Int u4, typename V::Int s8) {
    V::dot(sum, u4, s8);
  }
  static OCTAVO_INLINE typename V::Int end(Sum sum, typename V::Int) { return sum; }
};

// P for vpmaddubsw: its int16 sums of two products are at most 2 · 15 · 128 in magnitude, so eight
// of them still fit and are widened together.
template <typename V>
struct PairNibbles {
  static constexpr int kQuads = 8;
  using Sum = typename V::Int;
  static OCTAVO_INLINE Sum begin(typename V::Int) { return V::zero(); }
  static OCTAVO_INLINE void accumulate(Sum& sum, typename V::Int u4, typename V::Int s8) {
    sum = V::add16(sum, V::multiplyAddU8S8(u4, s8));
  }
  static OCTAVO_INLINE typename V::Int end(Sum sum, typename V::Int acc) {
    return V::add32(acc, V::multiplyAdd16(sum, V::set16(1)));
  }
};

// One record of a panel.
struct Record {
  const float* scale;
  const uint8_t* zero;  // null: 8
  const uint8_t* nibbles;
};

OCTAVO_INLINE Record recordAt(const uint8_t* record, size_t columns, bool zeros) {
  const auto* scale = reinterpret_cast<const float*>(record);
  return {scale, zeros ? record + 4 * columns : nullptr, record + nbitsHead(columns, zeros)};
}

// − xSum · zero of the vector of columns at `column`.
template <typename V>
OCTAVO_INLINE typename V::Int offsetOf(const Record& record, size_t column, int32_t xSum) {
  if (record.zero == nullptr) return V::set32(-8 * xSum);
  return V::mul32(V::set32(-xSum), V::widenU8(record.zero + column));
}

// f32(sum + f32(f32(acc) · scale)).
template <typename V>
OCTAVO_INLINE typename V::Float addBlock(typename V::Float sum, typename V::Int acc,
                                         const float* scale) {
  return V::add(sum, V::multiply(V::toFloat(acc), V::loadFloat(scale)));
}

// Stores a row whose sums lie in memory.
template <typename V, int NV>
OCTAVO_INLINE void finishRow(const NbitsArgs& args, size_t row, float* sums) {
  float* y = args.y + row * args.yStride;
  const auto xScale = V::setFloat(args.xScale[row]);
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) {
    const size_t column = j * V::kWords;
    auto value = V::multiply(V::loadFloat(sums + column), xScale);
    if (column + V::kWords <= args.columns) {
      if (args.bias != nullptr) value = V::add(value, V::loadFloat(args.bias + column));
      V::storeFloat(y + column, value);
      continue;
    }
    V::storeFloat(sums + column, value);
    for (size_t c = column; c < args.columns; ++c) {
      y[c] = args.bias == nullptr ? sums[c] : sums[c] + args.bias[c];
    }
  }
}

// `MR` rows from `row` on, all columns of the panel.
template <typename V, typename P, int MR, int NV>
OCTAVO_INLINE void fewRows(const NbitsArgs& args, size_t row) {
  constexpr size_t kColumns = NV * V::kWords;
  typename V::Float sum[MR][NV];
#pragma GCC unroll 4
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[i][j] = V::setFloat(0);
  }
  const size_t step = nbitsHead(kColumns, args.zeros) + args.pairs * 4 * kColumns;
  const uint8_t* at = args.panel;
  const int8_t* x = args.x + row * args.xStride;
  for (size_t block = 0; block < args.blocks; ++block, at += step, x += 8 * args.pairs) {
    const Record record = recordAt(at, kColumns, args.zeros);
    typename V::Int acc[MR][NV];
#pragma GCC unroll 4
    for (int i = 0; i < MR; ++i) {
      const int32_t xSum = args.sums[(row + i) * args.blocks + block];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) acc[i][j] = offsetOf<V>(record, j * V::kWords, xSum);
    }
    const size_t pairs = block + 1 < args.blocks ? args.pairs : args.lastPairs;
    const uint8_t* w = record.nibbles;
    for (size_t pair = 0; pair < pairs;) {
      typename P::Sum part[MR][NV];
#pragma GCC unroll 4
      for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) part[i][j] = P::begin(acc[i][j]);
      }
      const size_t end = pairs - pair < P::kQuads / 2 ? pairs : pair + P::kQuads / 2;
      for (; pair < end; ++pair, w += NV * V::kBytes) {
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) OCTAVO_PREFETCH(w + kAhead + j * V::kBytes);
        typename V::Int low[NV], high[NV];
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) {
          const auto bytes = V::load(w + j * V::kBytes);
          low[j] = V::lowNibbles(bytes);
          high[j] = V::highNibbles(bytes);
        }
#pragma GCC unroll 4
        for (int i = 0; i < MR; ++i) {
          const int8_t* left = x + i * args.xStride + 8 * pair;
          const auto first = V::broadcast4(left), second = V::broadcast4(left + 4);
#pragma GCC unroll 4
          for (int j = 0; j < NV; ++j) {
            P::accumulate(part[i][j], low[j], first);
            P::accumulate(part[i][j], high[j], second);
          }
        }
      }
#pragma GCC unroll 4
      for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) acc[i][j] = P::end(part[i][j], acc[i][j]);
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
#pragma GCC unroll 4
      for (int i = 0; i < MR; ++i) {
        sum[i][j] = addBlock<V>(sum[i][j], acc[i][j], record.scale + j * V::kWords);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < MR; ++i) {
    float sums[kColumns];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) V::storeFloat(sums + j * V::kWords, sum[i][j]);
    finishRow<V, NV>(args, row + i, sums);
  }
}

// Adds one block to the sums of MR rows and TV of the panel's vectors of columns.
template <typename V, typename P, int MR, int TV, int NV>
OCTAVO_NOINLINE void blockTile(const NbitsArgs& args, const Record& record, size_t block,
                               size_t row, size_t column, float* sums) {
  constexpr size_t kColumns = NV * V::kWords;
  const size_t quads = 2 * (block + 1 < args.blocks ? args.pairs : args.lastPairs);
  const int8_t* x = args.x + row * args.xStride + block * 8 * args.pairs;
  const uint8_t* w = args.scratch + 4 * column;
  typename V::Int acc[MR][TV];
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
    const int32_t xSum = args.sums[(row + i) * args.blocks + block];
#pragma GCC unroll 4
    for (int j = 0; j < TV; ++j) acc[i][j] = offsetOf<V>(record, column + j * V::kWords, xSum);
  }
  for (size_t quad = 0; quad < quads;) {
    typename P::Sum part[MR][TV];
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < TV; ++j) part[i][j] = P::begin(acc[i][j]);
    }
    const size_t end = quads - quad < P::kQuads ? quads : quad + P::kQuads;
    for (; quad < end; ++quad, w += 4 * kColumns, x += 4) {
      typename V::Int right[TV];
#pragma GCC unroll 4
      for (int j = 0; j < TV; ++j) right[j] = V::load(w + j * V::kBytes);
#pragma GCC unroll 8
      for (int i = 0; i < MR; ++i) {
        const auto left = V::broadcast4(x + i * args.xStride);
#pragma GCC unroll 4
        for (int j = 0; j < TV; ++j) P::accumulate(part[i][j], right[j], left);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < TV; ++j) acc[i][j] = P::end(part[i][j], acc[i][j]);
    }
  }
  float* to = sums + row * kColumns + column;
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < TV; ++j) {
      float* sum = to + i * kColumns + j * V::kWords;
      const float* scale = record.scale + column + j * V::kWords;
      V::storeFloat(sum, addBlock<V>(V::loadFloat(sum), acc[i][j], scale));
    }
  }
}

template <typename V, typename P, int MR, int TV, int NV>
OCTAVO_INLINE void blockRest(const NbitsArgs& args, const Record& record, size_t block, size_t row,
                             size_t column, float* sums) {
  if constexpr (MR > 1) {
    if (args.rows - row < MR) {
      return blockRest<V, P, MR - 1, TV, NV>(args, record, block, row, column, sums);
    }
  }
  blockTile<V, P, MR, TV, NV>(args, record, block, row, column, sums);
}

template <typename V, typename P, int MR, int TV, int NV>
OCTAVO_INLINE void manyRows(const NbitsArgs& args) {
  constexpr size_t kColumns = NV * V::kWords;
  float* sums = reinterpret_cast<float*>(args.scratch + 8 * args.pairs * kColumns);
  const size_t count = args.rows * kColumns;
  for (size_t i = 0; i < count; i += V::kWords) V::storeFloat(sums + i, V::setFloat(0));
  const size_t step = nbitsHead(kColumns, args.zeros) + args.pairs * 4 * kColumns;
  const uint8_t* at = args.panel;
  for (size_t block = 0; block < args.blocks; ++block, at += step) {
    const Record record = recordAt(at, kColumns, args.zeros);
    const size_t pairs = block + 1 < args.blocks ? args.pairs : args.lastPairs;
    const uint8_t* w = record.nibbles;
    uint8_t* to = args.scratch;
    for (size_t pair = 0; pair < pairs; ++pair, w += 4 * kColumns, to += 8 * kColumns) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) {
        const auto bytes = V::load(w + j * V::kBytes);
        V::store(to + j * V::kBytes, V::lowNibbles(bytes));
        V::store(to + 4 * kColumns + j * V::kBytes, V::highNibbles(bytes));
      }
    }
    for (size_t column = 0; column < kColumns; column += TV * V::kWords) {
      for (size_t row = 0; row < args.rows; row += MR) {
        blockRest<V, P, MR, TV, NV>(args, record, block, row, column, sums);
      }
    }
  }
  for (size_t row = 0; row < args.rows; ++row) {
    finishRow<V, NV>(args, row, sums + row * kColumns);
  }
}

// Panels of NV vectors of columns. Up to `few` rows are computed at once by fewRows; more go in
// tiles of MR rows × TV vectors.
template <typename V, typename P, int few, int NV, int MR, int TV>
OCTAVO_INLINE void nbits(const NbitsArgs& given) {
  const NbitsArgs args = given;
  if (args.rows > few) return manyRows<V, P, MR, TV, NV>(args);
  if constexpr (few >= 3) {
    if (args.rows == 3) return fewRows<V, P, 3, NV>(args, 0);
  }
  if constexpr (few >= 2) {
    if (args.rows == 2) return fewRows<V, P, 2, NV>(args, 0);
  }
  if (args.rows == 1) fewRows<V, P, 1, NV>(args, 0);
}

}  // namespace
}  // namespace octavo
