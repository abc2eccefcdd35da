#include "native/kernels/f32pool/f32pool.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_AVERAGE_POOL(name, isa) void name(const AveragePoolArgs& args);
#include "native/kernels/f32pool/kernels.inc"
#undef OCTAVO_AVERAGE_POOL

const AveragePoolKernel& chooseAveragePool(Isa isa) {
  static constexpr AveragePoolKernel kKernels[] = {
#define OCTAVO_AVERAGE_POOL(name, isa) {#name, Isa::isa, name},
#include "native/kernels/f32pool/kernels.inc"
#undef OCTAVO_AVERAGE_POOL
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
