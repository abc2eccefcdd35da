// AVX-512, which converts float16 itself.
#include <immintrin.h>

#include "native/kernels/half/half.h"

namespace octavo {
namespace {

constexpr size_t kWords = 16;

template <typename Widen>
inline void widen(const WidenArgs& args, Widen&& sixteen) {
  size_t i = 0;
  for (; i + kWords <= args.count; i += kWords) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(args.x + i));
    _mm512_storeu_ps(args.y + i, sixteen(half));
  }
  const auto rest = static_cast<__mmask16>((1u << (args.count - i)) - 1);
  _mm512_mask_storeu_ps(args.y + i, rest, sixteen(_mm256_maskz_loadu_epi16(rest, args.x + i)));
}

}  // namespace

void widen_f16f32_avx512bw(const WidenArgs& args) {
  widen(args, [](__m256i half) { return _mm512_cvtph_ps(half); });
}

void widen_bf16f32_avx512bw(const WidenArgs& args) {
  widen(args, [](__m256i half) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  });
}

}  // namespace octavo
