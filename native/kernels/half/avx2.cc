// AVX2, and F16C, which every CPU of AVX2 has.
#include <immintrin.h>
#include <string.h>

#include "native/kernels/half/half.h"

namespace octavo {
namespace {

constexpr size_t kWords = 8;

// The last few, by way of memory.
template <typename Widen>
inline void widen(const WidenArgs& args, Widen&& eight) {
  size_t i = 0;
  for (; i + kWords <= args.count; i += kWords) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(args.x + i));
    _mm256_storeu_ps(args.y + i, eight(half));
  }
  if (i == args.count) return;
  alignas(32) uint16_t from[kWords] = {};
  alignas(32) float to[kWords];
  memcpy(from, args.x + i, (args.count - i) * sizeof(uint16_t));
  _mm256_store_ps(to, eight(_mm_load_si128(reinterpret_cast<const __m128i*>(from))));
  memcpy(args.y + i, to, (args.count - i) * sizeof(float));
}

}  // namespace

void widen_f16f32_avx2(const WidenArgs& args) {
  widen(args, [](__m128i half) { return _mm256_cvtph_ps(half); });
}

void widen_bf16f32_avx2(const WidenArgs& args) {
  widen(args, [](__m128i half) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  });
}

}  // namespace octavo
