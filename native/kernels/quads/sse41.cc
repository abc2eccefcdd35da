// Columns lie in the 32-bit lanes of two vectors.
#include <smmintrin.h>
#include <stdint.h>
#include <string.h>

#include "native/kernels/dot/dot.h"
#include "native/kernels/quads/quads.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

__m128i load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

void store(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }

// Of 16 bytes: a bit for each that is the first of a large pair. With both weights counted from
// -128 on, a pair's sum is at most 127 or at least 385 then.
OCTAVO_INLINE uint32_t largePairs(const QuadRows& rows, size_t at) {
  __m128i highest = _mm_setzero_si128(), lowest = _mm_set1_epi8(-1);
  const int8_t* row = rows.first + at;
#pragma GCC unroll 8
  for (size_t column = 0; column < kQuadColumns; ++column, row += rows.stride) {
    const __m128i bias = _mm_set1_epi8(-128);
    const __m128i one = _mm_xor_si128(load(row), bias);
    const __m128i other = _mm_xor_si128(load(row + 1), bias);
    highest = _mm_max_epu8(highest, _mm_avg_epu8(one, other));  // half the sum, rounded up
    lowest = _mm_min_epu8(lowest, _mm_adds_epu8(one, other));
  }
  static_assert(kMostOfPair == 128, "");
  const __m128i most = _mm_set1_epi8(static_cast<char>(193));
  const __m128i isHigh = _mm_cmpeq_epi8(_mm_max_epu8(highest, most), highest);
  const __m128i isLow = _mm_xor_si128(lowest, _mm_set1_epi8(-128));  // as the top bit tells
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(isHigh, isLow)));
}

struct Quad {
  __m128i low, high;  // four columns each
};

OCTAVO_INLINE __m128i loadColumns(const int8_t* row, size_t stride, size_t tripled) {
  int32_t words[4];
  memcpy(&words[0], row, sizeof words[0]);
  memcpy(&words[1], row + stride, sizeof words[1]);
  memcpy(&words[2], row + 2 * stride, sizeof words[2]);
  memcpy(&words[3], row + tripled, sizeof words[3]);
  return _mm_setr_epi32(words[0], words[1], words[2], words[3]);
}

OCTAVO_INLINE Quad loadQuad(const int8_t* row, size_t stride, size_t tripled) {
  return {loadColumns(row, stride, tripled), loadColumns(row + 4 * stride, stride, tripled)};
}

void storeQuad(void* p, const Quad& quad) {
  store(p, quad.low);
  store(static_cast<uint8_t*>(p) + 16, quad.high);
}

// Keeps the size of those that have the sign.
__m128i sizesOf(__m128i words, __m128i sign) {
  return _mm_max_epi32(_mm_sub_epi32(_mm_xor_si128(words, sign), sign), _mm_setzero_si128());
}

// Deals out what a quad's last byte and the next one's first byte are.
OCTAVO_INLINE void dealOne(__m128i* own, __m128i* next) {
  const __m128i weight = _mm_srai_epi32(*own, 24), sign = _mm_srai_epi32(*own, 31);
  const __m128i before = sizesOf(_mm_srai_epi32(_mm_slli_epi32(*own, 8), 24), sign);
  const __m128i behind = sizesOf(_mm_srai_epi32(_mm_slli_epi32(*next, 16), 24), sign);
  const __m128i size = sizesOf(weight, sign), zero = _mm_setzero_si128();
  const __m128i half = _mm_srai_epi32(_mm_add_epi32(_mm_sub_epi32(behind, before), size), 1);
  const __m128i part = _mm_min_epi32(_mm_max_epi32(half, zero), size);
  const __m128i share = _mm_sub_epi32(_mm_xor_si128(part, sign), sign);
  const __m128i last = _mm_set1_epi32(0xff << 24), first = _mm_set1_epi32(0xff);
  *own = _mm_or_si128(_mm_andnot_si128(last, *own), _mm_slli_epi32(share, 24));
  *next = _mm_or_si128(_mm_andnot_si128(first, *next),
                       _mm_and_si128(first, _mm_sub_epi32(weight, share)));
}

// Deals out the bytes that a quad and the next one have in common.
OCTAVO_INLINE void deal(size_t step, Quad* own, Quad* next) {
  if (step == 3) {
    dealOne(&own->low, &next->low);
    dealOne(&own->high, &next->high);
    return;
  }
  const __m128i kept = _mm_set1_epi32(step == 2 ? 0x00ffffff : 0x000000ff);
  const __m128i rest = _mm_set1_epi32(step == 2 ? ~0xff : ~0);
  *own = {_mm_and_si128(own->low, kept), _mm_and_si128(own->high, kept)};
  *next = {_mm_and_si128(next->low, rest), _mm_and_si128(next->high, rest)};
}

// What the positive weights of each pair come to, and what the negative ones do: a byte each. Of
// small pairs neither is beyond 128.
OCTAVO_INLINE __m128i sumsOfPairs(__m128i weights) {
  const __m128i zero = _mm_setzero_si128(), ones = _mm_set1_epi8(1);
  const __m128i up = _mm_maddubs_epi16(ones, _mm_max_epi8(weights, zero));
  const __m128i down = _mm_maddubs_epi16(ones, _mm_min_epi8(weights, zero));
  return _mm_sub_epi16(up, _mm_slli_epi16(down, 8));
}

// Whether one of such sums, or of what two of them come to, is 128 or more.
OCTAVO_INLINE bool isMuch(__m128i low, __m128i high) {
  return _mm_testz_si128(_mm_or_si128(low, high), _mm_set1_epi8(-128)) == 0;
}

// Quads for which there was no other one so far.
struct Pending {
  // So many wait at a time that few remain without another one, and that all are soon tried.
  static constexpr size_t kMost = 32;

  Quad sums[kMost], weights[kMost];
  uint32_t at[kMost];
  size_t count = 0;

  OCTAVO_INLINE void takeOut(size_t i) {
    --count;
    sums[i] = sums[count];
    weights[i] = weights[count];
    at[i] = at[count];
  }
};

OCTAVO_INLINE void put(QuadList* list, const Quad& weights, uint32_t at) {
  storeQuad(list->weights, weights);
  list->weights += kQuadBytes;
  *list->order++ = at;
}

}  // namespace

void mark_quads_sse41(const QuadMarkArgs& args) {
  for (size_t at = 0; at < args.rows.depth; at += 64) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 64; i += 16) bits |= uint64_t{largePairs(args.rows, at + i)} << i;
    args.large[at / 64] = bits;
  }
}

size_t pair_quads_sse41(const QuadPairArgs& args) {
  Pending pending;
  QuadList twos = args.twos, ones = args.ones;
  const int8_t* row = args.rows.first;
  const size_t stride = args.rows.stride, tripled = 3 * stride;
  uint32_t at = 0;
  Quad next = loadQuad(row, stride, tripled);
  for (size_t q = 0; q < args.count; ++q) {
    Quad own = next;
    const uint32_t ownAt = at, step = args.steps[q];
    if (q + 1 < args.count) {
      at += step;
      next = loadQuad(row + at, stride, tripled);
      if (step != 4) deal(step, &own, &next);
    }
    const Quad sums = {sumsOfPairs(own.low), sumsOfPairs(own.high)};
    if (isMuch(sums.low, sums.high)) {
      put(&ones, own, ownAt);
      continue;
    }
    size_t other = 0;
    for (; other < pending.count; ++other) {
      const Quad& others = pending.sums[other];
      if (!isMuch(_mm_add_epi8(sums.low, others.low), _mm_add_epi8(sums.high, others.high))) break;
    }
    if (other < pending.count) {
      put(&twos, pending.weights[other], pending.at[other]);
      put(&twos, own, ownAt);
      pending.takeOut(other);
      continue;
    }
    if (pending.count == Pending::kMost) {
      put(&ones, pending.weights[0], pending.at[0]);
      pending.takeOut(0);
    }
    pending.sums[pending.count] = sums;
    pending.weights[pending.count] = own;
    pending.at[pending.count] = ownAt;
    ++pending.count;
  }
  for (size_t i = 0; i < pending.count; ++i) put(&ones, pending.weights[i], pending.at[i]);
  return static_cast<size_t>(twos.order - args.twos.order);
}

}  // namespace octavo
