// The dot kernel on tile registers: eight of 16 rows × 64 bytes each. Four hold the accumulators of
// 32 rows × 16 NV columns, two the rows' bytes, two the weights: a panel is in just the order in
// which tdpbusd reads them. It multiplies 16 × 16 × 64 bytes at once.
//
// The depth of all taps is cut into chunks of 64 bytes. Where a chunk lies in one tap and the rows
// of a tile are equally far apart, the tile is loaded from the rows themselves, else from a copy.
// What is behind the last tap is 0 in the copy, for there the tile of weights holds what comes
// behind the panel (kPanelSlack).
//
// Rows that are too few to be worth a tile take the vector kernel: it reads the same panels.
#pragma once

#include "native/kernels/dot/tile.h"
#include "native/kernels/simd/avx512.h"
#include "native/kernels/simd/tileshapes.h"

namespace octavo {
namespace {

constexpr size_t kTileRows = 16, kTileBytes = 64;

// A part of a chunk that lies in one tap: bytes of row r at rows[r] + shift, where `mask` says.
struct ChunkPart {
  const uint8_t* const* rows;
  ptrdiff_t shift;
  __mmask64 mask;
};

// The next 64 bytes of every row, and where a tile can read them.
class Chunks {
 public:
  OCTAVO_INLINE Chunks(const DotArgs& args, size_t row, size_t count)
      : args_(args), row_(row), last_(count - 1), tapBytes_(4 * args.quads) {}

  // False behind the last tap.
  OCTAVO_INLINE bool next() {
    if (tap_ == args_.taps) return false;
    if (tapBytes_ - at_ >= kTileBytes) {
      parts_ = 0;
      whole_ = tap();
      offset_ = at_;
      advance(kTileBytes);
      return true;
    }
    size_t filled = 0;
    for (parts_ = 0; filled < kTileBytes && tap_ < args_.taps; ++parts_) {
      const size_t left = tapBytes_ - at_, most = kTileBytes - filled;
      const size_t n = left < most ? left : most;
      const auto shift =
          static_cast<ptrdiff_t>(args_.offset + at_) - static_cast<ptrdiff_t>(filled);
      part_[parts_] = {tap(), shift, ((~uint64_t{0}) >> (64 - n)) << filled};
      filled += n;
      advance(n);
    }
    return true;
  }

  // 16 rows from `first` on: where the first is, how far the next one; `copy` is memory for them.
  OCTAVO_INLINE const uint8_t* rows(size_t first, uint8_t* copy, size_t* stride) const {
    *stride = kTileBytes;
    if (parts_ == 0 && first + kTileRows <= last_ + 1) {
      const uint8_t* const* a = whole_ + first;
      if (areEven(a, stride)) return a[0] + args_.offset + offset_;
      *stride = kTileBytes;
#pragma GCC unroll 16
      for (size_t r = 0; r < kTileRows; ++r) {
        _mm512_store_si512(copy + r * kTileBytes,
                           _mm512_loadu_si512(a[r] + args_.offset + offset_));
      }
      return copy;
    }
    for (size_t r = 0; r < kTileRows; ++r) {
      const size_t row = first + r < last_ ? first + r : last_;
      _mm512_store_si512(copy + r * kTileBytes, bytesOf(row));
    }
    return copy;
  }

 private:
  OCTAVO_INLINE const uint8_t* const* tap() const { return args_.a + tap_ * args_.rows + row_; }

  OCTAVO_INLINE void advance(size_t n) {
    at_ += n;
    if (at_ == tapBytes_) at_ = 0, ++tap_;
  }

  OCTAVO_INLINE __m512i bytesOf(size_t row) const {
    if (parts_ == 0) return _mm512_loadu_si512(whole_[row] + args_.offset + offset_);
    __m512i bytes = _mm512_setzero_si512();
    for (size_t i = 0; i < parts_; ++i) {
      const ChunkPart& part = part_[i];
      // As a number: it may point before the row, where the mask has no bytes.
      const auto at =
          reinterpret_cast<uintptr_t>(part.rows[row]) + static_cast<uintptr_t>(part.shift);
      bytes = _mm512_mask_loadu_epi8(bytes, part.mask, reinterpret_cast<const void*>(at));
    }
    return bytes;
  }

  // Whether 16 pointers are equally far apart.
  static OCTAVO_INLINE bool areEven(const uint8_t* const* a, size_t* stride) {
    const int64_t step = a[1] - a[0];
    const __m512i base = _mm512_set1_epi64(reinterpret_cast<int64_t>(a[0]));
    const __m512i steps =
        _mm512_mullo_epi64(_mm512_set1_epi64(step), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    const __m512i low = _mm512_add_epi64(base, steps);
    const __m512i high = _mm512_add_epi64(low, _mm512_set1_epi64(8 * step));
    *stride = static_cast<size_t>(step);
    return (_mm512_cmpneq_epi64_mask(_mm512_loadu_si512(a), low) |
            _mm512_cmpneq_epi64_mask(_mm512_loadu_si512(a + 8), high)) == 0;
  }

  const DotArgs& args_;
  const size_t row_, last_, tapBytes_;
  size_t tap_ = 0, at_ = 0;
  const uint8_t* const* whole_ = nullptr;
  size_t offset_ = 0, parts_ = 0;
  ChunkPart part_[kTileBytes / 4];
};

// Accumulators in memory, [row][position], to results.
template <int NV>
OCTAVO_NOINLINE void storeTiles(const DotArgs& args, size_t row, size_t count, int32_t* acc) {
  constexpr size_t kStride = NV * Avx512::kWords, kTogether = 4 / NV;
  if (args.rowSum != nullptr) {
    for (size_t r = 0; r < count; ++r) {
      const __m512i sum = _mm512_set1_epi32(args.rowSum[row + r]);
      for (size_t j = 0; j < kStride; j += Avx512::kWords) {
        const __m512i zero = Avx512::load(args.weightZero + j);
        Avx512::store(acc + r * kStride + j,
                      Avx512::sub32(Avx512::load(acc + r * kStride + j), Avx512::mul32(sum, zero)));
      }
    }
  }
  uint8_t* y[kTogether];
  y[0] = static_cast<uint8_t*>(args.y) + row * args.yStride;
  if (args.output != DotOutput::kUint8 || args.sum != nullptr) {
    uint8_t* all[2 * kTileRows];
    for (size_t r = 0; r < count; ++r) all[r] = y[0] + r * args.yStride;
    if (args.sum == nullptr) return storeWords<Avx512, NV>(args, row, all, count, acc);
    return storeSums<Avx512, NV>(args, SumWithResidual<Avx512>(args), all, static_cast<int>(count),
                                 acc);
  }
  const Requantize<Avx512> to(args.zero, args.min, args.max);
  const DotArgs local = args;
  __m512i rows[kTogether][NV];
  size_t r = 0;
  for (; r + kTogether <= count; r += kTogether, y[0] += kTogether * local.yStride) {
    for (size_t i = 0; i < kTogether; ++i) {
      y[i] = y[0] + i * local.yStride;
      for (size_t j = 0; j < NV; ++j) {
        rows[i][j] = Avx512::load(acc + (r + i) * kStride + j * Avx512::kWords);
      }
    }
    storeUint8<Avx512, NV, kTogether>(to, local.multiplier, y, local.columns, rows);
  }
  for (; r < count; ++r, y[0] += local.yStride) {
    for (size_t j = 0; j < NV; ++j)
      rows[0][j] = Avx512::load(acc + r * kStride + j * Avx512::kWords);
    storeUint8<Avx512, NV, 1>(to, local.multiplier, y, local.columns, rows);
  }
}

// Accumulators of a block, which are stored while the tiles of the next one are multiplied: that
// leaves the rest of the CPU time, but for which there are too many to look ahead.
template <int NV>
class BlockResults {
 public:
  OCTAVO_INLINE explicit BlockResults(const DotArgs& args) : args_(args) {
    const size_t chunks = (4 * args.taps * args.quads + kTileBytes - 1) / kTileBytes;
    const size_t rows = 2 * kTileRows / (chunks == 0 ? 1 : chunks) + 1;
    each_ = (rows + kUnit - 1) / kUnit * kUnit;
  }

  // Of the tiles' rows, once what was there has been stored.
  OCTAVO_INLINE int32_t* take(size_t row, size_t count) {
    store(left_);
    row_ = row;
    left_ = count;
    next_ = acc_;
    return acc_;
  }
  // A chunk's share.
  OCTAVO_INLINE void storeSome() {
    if (left_ > 0) store(left_ < each_ ? left_ : each_);
  }
  OCTAVO_INLINE void storeRest() { store(left_); }

 private:
  static constexpr size_t kUnit = 4;

  OCTAVO_INLINE void store(size_t count) {
    if (count == 0) return;
    storeTiles<NV>(args_, row_, count, next_);
    row_ += count;
    left_ -= count;
    next_ += count * NV * Avx512::kWords;
  }

  const DotArgs& args_;
  size_t each_, row_ = 0, left_ = 0;
  int32_t* next_ = acc_;
  alignas(64) int32_t acc_[2 * kTileRows * NV * Avx512::kWords];
};

// One block of up to 16 or, with Two, up to 32 rows.
template <int NV, bool Two>
OCTAVO_INLINE const int8_t* tileBlock(const DotArgs& args, size_t row, size_t count,
                                      const int8_t* ahead, size_t aheadLines,
                                      BlockResults<NV>* results) {
  constexpr int kStride = NV * kTileBytes;  // of a quad of the panel, and of a row of accumulators
  alignas(64) uint8_t copy[2 * kTileRows * kTileBytes];

  // A stride of 0: every row begins at the bias.
  _tile_loadd(0, args.bias, 0);
  if (NV == 2) _tile_loadd(1, args.bias + Avx512::kWords, 0);
  if (Two) _tile_loadd(2, args.bias, 0);
  if (Two && NV == 2) _tile_loadd(3, args.bias + Avx512::kWords, 0);

  const int8_t* w = args.weights;
  for (Chunks chunks(args, row, count); chunks.next(); w += kTileRows * kStride) {
    for (size_t i = 0; i < aheadLines; ++i, ahead += kTileBytes) OCTAVO_FETCH_FAR(ahead);
    size_t stride;
    const uint8_t* a = chunks.rows(0, copy, &stride);
    _tile_loadd(4, a, stride);
    _tile_loadd(6, w, kStride);
    _tile_dpbusd(0, 4, 6);
    if (NV == 2) {
      _tile_loadd(7, w + kTileBytes, kStride);
      _tile_dpbusd(1, 4, 7);
    }
    if (Two) {
      a = chunks.rows(kTileRows, copy + kTileRows * kTileBytes, &stride);
      _tile_loadd(5, a, stride);
      _tile_dpbusd(2, 5, 6);
      if (NV == 2) _tile_dpbusd(3, 5, 7);
    }
    results->storeSome();
  }

  int32_t* acc = results->take(row, count);
  int32_t* below = acc + kTileRows * NV * Avx512::kWords;
  _tile_stored(0, acc, kStride);
  if (NV == 2) _tile_stored(1, acc + Avx512::kWords, kStride);
  if (Two) _tile_stored(2, below, kStride);
  if (Two && NV == 2) _tile_stored(3, below + Avx512::kWords, kStride);
  return ahead;
}

// Lines of what is read next for each chunk of each block.
inline size_t linesAhead(const DotArgs& args) {
  const size_t blocks = (args.rows + 2 * kTileRows - 1) / (2 * kTileRows);
  const size_t chunks = blocks * ((4 * args.taps * args.quads + kTileBytes - 1) / kTileBytes);
  const size_t lines = (args.aheadBytes + kTileBytes - 1) / kTileBytes;
  return chunks == 0 ? 0 : (lines + chunks - 1) / chunks;
}

template <int NV>
inline void tileKernel(const DotArgs& args) {
  constexpr int kFewRows = 2;
  size_t row = 0;
  if (args.rows > kFewRows) {
    const TileShapes shapes;
    _tile_loadconfig(&shapes);
    BlockResults<NV> results(args);
    const int8_t* ahead = args.ahead;
    const size_t lines = linesAhead(args);
    for (; row + 2 * kTileRows <= args.rows; row += 2 * kTileRows) {
      ahead = tileBlock<NV, true>(args, row, 2 * kTileRows, ahead, lines, &results);
    }
    const size_t left = args.rows - row;
    if (left > kTileRows) {
      tileBlock<NV, true>(args, row, left, ahead, lines, &results);
      row = args.rows;
    } else if (left > kFewRows) {
      tileBlock<NV, false>(args, row, left, ahead, lines, &results);
      row = args.rows;
    }
    results.storeRest();
    _tile_release();
  }
  if (row < args.rows) {
    dotTiles<QuadTile<Avx512, DirectProduct<Avx512>>, kFewRows, NV>(args, row);
  }
}

}  // namespace
}  // namespace octavo
