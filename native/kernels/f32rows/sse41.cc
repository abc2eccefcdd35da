// SSE4.1.
#include "native/kernels/f32rows/rows.h"
#include "native/kernels/simd/f32sse41.h"

namespace octavo {

void softmax_f32_sse41(const SoftmaxArgs& args) { softmax<F32Sse41>(args); }
void layerNorm_f32_sse41(const LayerNormArgs& args) { layerNorm<F32Sse41>(args); }
void lrn_f32_sse41(const LrnArgs& args) { lrn<F32Sse41>(args); }
void foldRow_f32_sse41(const FoldArgs& args) { foldRow<F32Sse41>(args); }
void foldColumns_f32_sse41(const FoldArgs& args) { foldColumns<F32Sse41>(args); }

}  // namespace octavo
