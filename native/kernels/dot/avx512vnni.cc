// AVX512-VNNI: vpdpbusd on 512 bits. 24 accumulators leave registers for up to four panel vectors,
// a broadcast row word, and the epilogue's constants; 16 also for an epilogue meanwhile.
#include "native/kernels/dot/avxvnni.h"
#include "native/kernels/dot/behind.h"
#include "native/kernels/dot/flat.h"
#include "native/kernels/dot/thin.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {

namespace {

// Weights are loaded once: gcc would do it again for each row where registers are left over.
struct Direct : DirectProduct<Avx512> {
  static OCTAVO_INLINE Right right(const int8_t* weights) {
    Right loaded = Avx512::load(weights);
#if defined(__GNUC__)
    asm("" : "+v"(loaded));
#endif
    return loaded;
  }
};

template <int MR, int NV>
inline void dot(const DotArgs& args) {
  if (dotThin<Avx512, Direct, NV>(args)) return;
  if (dotFlat<Avx512, Direct, MR, NV>(args)) return;
  if constexpr (NV > 2) {
    if (dotBehind<Avx512, Direct, 16 / NV, NV>(args)) return;
  }
  dotKernel<Avx512, Direct, MR, NV>(args);
}

}  // namespace

void dot_u8s8i32_12x16c4_avx512vnni(const DotArgs& args) { dot<12, 1>(args); }
void dot_u8s8i32_12x32c4_avx512vnni(const DotArgs& args) { dot<12, 2>(args); }
void dot_u8s8i32_8x48c4_avx512vnni(const DotArgs& args) { dot<8, 3>(args); }
void dot_u8s8i32_6x64c4_avx512vnni(const DotArgs& args) { dot<6, 4>(args); }

OCTAVO_AVXVNNI_DOT(dot_u8s8i32_6x8c4_avxvnni_evex, 6, 1)
OCTAVO_AVXVNNI_DOT(dot_u8s8i32_6x16c4_avxvnni_evex, 6, 2)

}  // namespace octavo
