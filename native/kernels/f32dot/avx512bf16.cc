// AVX512-BF16: vdpbf16ps on 16 pairs of bfloat16, in the tiles of avx512bw.cc.
#include "native/kernels/f32dot/tile.h"
#include "native/kernels/simd/f32avx512.h"

namespace octavo {
namespace {

// Floats are sums, where they are added to and stored, and pairs, where they are multiplied.
struct Bfloat16Pairs : F32Avx512 {
  // acc += both products of a pair. Tied in assembly, as those of F32Avx512 are.
  static void accumulate(Float& acc, Float a, Float b) {
#if defined(__GNUC__)
    asm("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm512_dpbf16_ps(acc, pairsOf(a), pairsOf(b));
#endif
  }
  // The same with one pair from memory, in one instruction.
  static void accumulateOne(Float& acc, const float* a, Float b) {
#if defined(__GNUC__)
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(b), "m"(*a));
#else
    acc = _mm512_dpbf16_ps(acc, pairsOf(b), pairsOf(broadcast(a)));
#endif
  }

 private:
#if !defined(__GNUC__)
  static __m512bh pairsOf(Float v) { return reinterpret_cast<const __m512bh&>(v); }
#endif
};

}  // namespace

void dot_bf16_12x16c2_avx512bf16(const FloatDotArgs& args) { floatDot<Bfloat16Pairs, 12, 1>(args); }
void dot_bf16_12x32c2_avx512bf16(const FloatDotArgs& args) { floatDot<Bfloat16Pairs, 12, 2>(args); }
void dot_bf16_8x48c2_avx512bf16(const FloatDotArgs& args) { floatDot<Bfloat16Pairs, 8, 3>(args); }
void dot_bf16_6x64c2_avx512bf16(const FloatDotArgs& args) { floatDot<Bfloat16Pairs, 6, 4>(args); }

}  // namespace octavo
