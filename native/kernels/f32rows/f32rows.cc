#include "native/kernels/f32rows/f32rows.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_ROWS(name, isa)                 \
  void softmax_##name(const SoftmaxArgs&);     \
  void layerNorm_##name(const LayerNormArgs&); \
  void lrn_##name(const LrnArgs&);             \
  void foldRow_##name(const FoldArgs&);        \
  void foldColumns_##name(const FoldArgs&);
#include "native/kernels/f32rows/kernels.inc"
#undef OCTAVO_ROWS

const RowsKernel& chooseRows(Isa isa) {
  static constexpr RowsKernel kKernels[] = {
#define OCTAVO_ROWS(name, isa)                                      \
  {#name,      Isa::isa,       softmax_##name,    layerNorm_##name, \
   lrn_##name, foldRow_##name, foldColumns_##name},
#include "native/kernels/f32rows/kernels.inc"
#undef OCTAVO_ROWS
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
