// What float32 kernel templates add to the vocabulary of simd/avx512.h, for 512-bit registers.
#pragma once

#include "native/kernels/simd/avx512.h"

namespace octavo {
namespace {

struct F32Avx512 : Avx512 {
  // The first n floats, 0 <= n <= kWords; the rest of the vector is 0.
  static Float loadFloats(const float* p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void storeFloats(float* p, Float v, size_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static Float broadcast(const float* p) { return _mm512_set1_ps(*p); }

  // acc += a * b, fused. Tied in assembly, as the dot product is.
  static void accumulate(Float& acc, Float a, Float b) {
#if defined(__GNUC__)
    asm("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm512_fmadd_ps(a, b, acc);
#endif
  }

 private:
  static __mmask16 first(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }
};

}  // namespace
}  // namespace octavo
