#include "native/kernels/quads/quads.h"

namespace octavo {

#define OCTAVO_QUADS(name, isa)               \
  void mark_##name(const QuadMarkArgs& args); \
  size_t pair_##name(const QuadPairArgs& args);
#include "native/kernels/quads/kernels.inc"
#undef OCTAVO_QUADS

const QuadKernel* chooseQuads(Isa isa) {
  static constexpr QuadKernel kKernels[] = {
#define OCTAVO_QUADS(name, isa) {#name, Isa::isa, mark_##name, pair_##name},
#include "native/kernels/quads/kernels.inc"
#undef OCTAVO_QUADS
      {},  // so that there is one wherever it is built
  };
  for (const QuadKernel& kernel : kKernels) {
    if (kernel.mark != nullptr && isaImplies(isa, kernel.isa)) return &kernel;
  }
  return nullptr;
}

}  // namespace octavo
