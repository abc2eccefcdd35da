// AVX2 with FMA.
#include "native/kernels/f32rows/rows.h"
#include "native/kernels/simd/f32avx2.h"

namespace octavo {

void softmax_f32_avx2(const SoftmaxArgs& args) { softmax<F32Avx2>(args); }
void layerNorm_f32_avx2(const LayerNormArgs& args) { layerNorm<F32Avx2>(args); }
void lrn_f32_avx2(const LrnArgs& args) { lrn<F32Avx2>(args); }
void foldRow_f32_avx2(const FoldArgs& args) { foldRow<F32Avx2>(args); }
void foldColumns_f32_avx2(const FoldArgs& args) { foldColumns<F32Avx2>(args); }

}  // namespace octavo
