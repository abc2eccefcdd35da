// What float32 kernel templates add to the vocabulary of simd/avx2.h, for 256-bit registers.
// simd/f32avx512.h tells what each word means.
#pragma once

#include "native/kernels/simd/avx2.h"

namespace octavo {
namespace {

struct F32Avx2 : Avx2 {
  static Float loadFloats(const float* p, size_t n) { return _mm256_maskload_ps(p, first(n)); }
  static void storeFloats(float* p, Float v, size_t n) { _mm256_maskstore_ps(p, first(n), v); }
  static Float broadcast(const float* p) { return _mm256_broadcast_ss(p); }

  static void accumulate(Float& acc, Float a, Float b) {
#if defined(__GNUC__)
    asm("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b));
#else
    acc = _mm256_fmadd_ps(a, b, acc);
#endif
  }

 private:
  static Int first(size_t n) {
    const Int lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(set32(static_cast<int>(n)), lanes);
  }
};

}  // namespace
}  // namespace octavo
