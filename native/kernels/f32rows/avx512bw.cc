// AVX-512.
#include "native/kernels/f32rows/rows.h"
#include "native/kernels/simd/f32avx512.h"

namespace octavo {

void softmax_f32_avx512bw(const SoftmaxArgs& args) { softmax<F32Avx512>(args); }
void layerNorm_f32_avx512bw(const LayerNormArgs& args) { layerNorm<F32Avx512>(args); }
void lrn_f32_avx512bw(const LrnArgs& args) { lrn<F32Avx512>(args); }
void foldRow_f32_avx512bw(const FoldArgs& args) { foldRow<F32Avx512>(args); }
void foldColumns_f32_avx512bw(const FoldArgs& args) { foldColumns<F32Avx512>(args); }

}  // namespace octavo
