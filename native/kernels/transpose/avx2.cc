// AVX2: blocks of 8 × 8 words and of 16 × 16 bytes are transposed in registers. Loads reach beyond
// the last column, by less than kTensorSlack; stores are exact, except where the rows of y follow
// each other without a gap and later stores put right what earlier ones overwrote.
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "native/kernels/transpose/transpose.h"

namespace octavo {
namespace {

// The first `bytes` of a vector of 16.
inline void storePart(uint8_t* p, __m128i v, size_t bytes) {
  if (bytes >= 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
  if ((bytes & 8) != 0) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), v);
    v = _mm_unpackhi_epi64(v, v);
    p += 8;
  }
  if ((bytes & 4) != 0) {
    const int32_t word = _mm_cvtsi128_si32(v);
    memcpy(p, &word, 4);
    v = _mm_srli_epi64(v, 32);
    p += 4;
  }
  int32_t word = _mm_cvtsi128_si32(v);
  if ((bytes & 2) != 0) {
    memcpy(p, &word, 2);
    word >>= 16;
    p += 2;
  }
  if ((bytes & 1) != 0) *p = static_cast<uint8_t>(word);
}

// Rows a and b of 16 bytes as the two halves of one vector.
inline __m256i loadPair(const uint8_t* a, const uint8_t* b) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)), 1);
}

// Transposes four columns of eight rows of words, rows i and i + 4 of which are in one vector.
inline void turnWords(const __m256i (&pair)[4], __m256i (&column)[4]) {
  const __m256i a = _mm256_unpacklo_epi32(pair[0], pair[1]);
  const __m256i b = _mm256_unpackhi_epi32(pair[0], pair[1]);
  const __m256i c = _mm256_unpacklo_epi32(pair[2], pair[3]);
  const __m256i d = _mm256_unpackhi_epi32(pair[2], pair[3]);
  column[0] = _mm256_unpacklo_epi64(a, c);
  column[1] = _mm256_unpackhi_epi64(a, c);
  column[2] = _mm256_unpacklo_epi64(b, d);
  column[3] = _mm256_unpackhi_epi64(b, d);
}

// 8 rows and 8 columns of words.
inline void transposeWholeWords(const uint8_t* x, size_t xStride, uint8_t* y, size_t yStride) {
#pragma GCC unroll 2
  for (size_t half = 0; half < 2; ++half) {
    __m256i pair[4], column[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      const uint8_t* row = x + i * xStride + 16 * half;
      pair[i] = loadPair(row, row + 4 * xStride);
    }
    turnWords(pair, column);
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + (4 * half + j) * yStride), column[j]);
    }
  }
}

// Up to 8 rows and 8 columns of words.
inline void transposeWords(const uint8_t* x, size_t xStride, size_t rows, uint8_t* y,
                           size_t yStride, size_t columns) {
  alignas(32) static constexpr uint8_t kZeros[32] = {};
  const uint8_t* row[8];
  for (size_t i = 0; i < 8; ++i) row[i] = i < rows ? x + i * xStride : kZeros;
  for (size_t half = 0; half < 2 && 4 * half < columns; ++half) {
    // Words 4 half ... 4 half + 3 of rows i and i + 4.
    __m256i pair[4], column[4];
    for (size_t i = 0; i < 4; ++i) {
      const size_t upper = i + 4 < rows ? 16 * half : 0, lower = i < rows ? 16 * half : 0;
      pair[i] = loadPair(row[i] + lower, row[i + 4] + upper);
    }
    turnWords(pair, column);
    for (size_t j = 0; j < 4 && 4 * half + j < columns; ++j) {
      uint8_t* out = y + (4 * half + j) * yStride;
      if (rows == 8) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), column[j]);
      } else {
        storePart(out, _mm256_castsi256_si128(column[j]), 4 * rows);
        if (rows > 4) storePart(out + 16, _mm256_extracti128_si256(column[j], 1), 4 * rows - 16);
      }
    }
  }
}

// Up to 16 rows and 16 columns of bytes.
inline void transposeBytes(const uint8_t* x, size_t xStride, size_t rows, uint8_t* y,
                           size_t yStride, size_t columns) {
  __m128i row[16], next[16];
  for (size_t i = 0; i < 16; ++i) {
    row[i] = i < rows ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i * xStride))
                      : _mm_setzero_si128();
  }
  // Each round interleaves row i with row i + 8.
  for (int round = 0; round < 4; ++round) {
    for (size_t i = 0; i < 8; ++i) {
      next[2 * i] = _mm_unpacklo_epi8(row[i], row[i + 8]);
      next[2 * i + 1] = _mm_unpackhi_epi8(row[i], row[i + 8]);
    }
    for (size_t i = 0; i < 16; ++i) row[i] = next[i];
  }
  for (size_t j = 0; j < columns; ++j) storePart(y + j * yStride, row[j], rows);
}

// Up to 4 rows of words whose columns follow each other in y; returns how many columns were done.
size_t interleaveWords(const TransposeArgs& args) {
  const auto* x = static_cast<const float*>(args.x);
  auto* y = static_cast<float*>(args.y);
  const size_t rows = args.rows;
  size_t j = 0;
  for (; j + 8 <= args.columns; j += 4) {
    __m128 row[4];
    for (size_t i = 0; i < 4; ++i) row[i] = _mm_loadu_ps(x + (i < rows ? i : 0) * args.xStride + j);
    _MM_TRANSPOSE4_PS(row[0], row[1], row[2], row[3]);
    for (size_t i = 0; i < 4; ++i) _mm_storeu_ps(y + (j + i) * rows, row[i]);
  }
  return j;
}

// The same for bytes.
size_t interleaveBytes(const TransposeArgs& args) {
  const auto* x = static_cast<const uint8_t*>(args.x);
  auto* y = static_cast<uint8_t*>(args.y);
  const size_t rows = args.rows;
  // Takes the first `rows` bytes of each group of four.
  alignas(16) uint8_t order[16] = {};
  for (size_t i = 0; i < 4 * rows; ++i) {
    order[i] = static_cast<uint8_t>(i / rows * 4 + i % rows);
  }
  const __m128i take = _mm_load_si128(reinterpret_cast<const __m128i*>(order));
  size_t j = 0;
  for (; j + 32 <= args.columns; j += 16) {
    __m128i row[4];
    for (size_t i = 0; i < 4; ++i) {
      row[i] = _mm_loadu_si128(
          reinterpret_cast<const __m128i*>(x + (i < rows ? i : 0) * args.xStride + j));
    }
    const __m128i low[2] = {_mm_unpacklo_epi8(row[0], row[1]), _mm_unpackhi_epi8(row[0], row[1])};
    const __m128i high[2] = {_mm_unpacklo_epi8(row[2], row[3]), _mm_unpackhi_epi8(row[2], row[3])};
    for (size_t half = 0; half < 2; ++half) {
      uint8_t* out = y + (j + 8 * half) * rows;
      const __m128i first = _mm_unpacklo_epi16(low[half], high[half]);
      const __m128i second = _mm_unpackhi_epi16(low[half], high[half]);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(first, take));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4 * rows), _mm_shuffle_epi8(second, take));
    }
  }
  return j;
}

}  // namespace

void transpose_b4_avx2(const TransposeArgs& args) {
  const bool dense = args.rows <= 4 && args.yStride == args.rows;
  const auto* x = static_cast<const uint8_t*>(args.x);
  auto* y = static_cast<uint8_t*>(args.y);
  for (size_t j = dense ? interleaveWords(args) : 0; j < args.columns; j += 8) {
    const size_t columns = args.columns - j < 8 ? args.columns - j : 8;
    for (size_t i = 0; i < args.rows; i += 8) {
      const size_t rows = args.rows - i < 8 ? args.rows - i : 8;
      const uint8_t* from = x + 4 * (i * args.xStride + j);
      uint8_t* to = y + 4 * (j * args.yStride + i);
      if (rows == 8 && columns == 8) {
        transposeWholeWords(from, 4 * args.xStride, to, 4 * args.yStride);
      } else {
        transposeWords(from, 4 * args.xStride, rows, to, 4 * args.yStride, columns);
      }
    }
  }
}

void transpose_b1_avx2(const TransposeArgs& args) {
  const bool dense = args.rows <= 4 && args.yStride == args.rows;
  const auto* x = static_cast<const uint8_t*>(args.x);
  auto* y = static_cast<uint8_t*>(args.y);
  for (size_t j = dense ? interleaveBytes(args) : 0; j < args.columns; j += 16) {
    const size_t columns = args.columns - j < 16 ? args.columns - j : 16;
    for (size_t i = 0; i < args.rows; i += 16) {
      const size_t rows = args.rows - i < 16 ? args.rows - i : 16;
      transposeBytes(x + i * args.xStride + j, args.xStride, rows, y + j * args.yStride + i,
                     args.yStride, columns);
    }
  }
}

}  // namespace octavo
