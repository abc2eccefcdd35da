#include "native/kernels/f32rows/rows.h"
#include "native/kernels/simd/f32neon.h"

namespace octavo {

void softmax_f32_neon(const SoftmaxArgs& args) { softmax<F32Neon>(args); }
void layerNorm_f32_neon(const LayerNormArgs& args) { layerNorm<F32Neon>(args); }
void lrn_f32_neon(const LrnArgs& args) { lrn<F32Neon>(args); }
void foldRow_f32_neon(const FoldArgs& args) { foldRow<F32Neon>(args); }
void foldColumns_f32_neon(const FoldArgs& args) { foldColumns<F32Neon>(args); }

}  // namespace octavo
