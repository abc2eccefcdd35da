#include "native/kernels/half/half.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_WIDEN_F16(name, isa) void name(const WidenArgs& args);
#define OCTAVO_WIDEN_BF16(name, isa) void name(const WidenArgs& args);
#include "native/kernels/half/kernels.inc"

const WidenKernel& chooseWidenFloat16(Isa isa) {
  static constexpr WidenKernel kKernels[] = {
#define OCTAVO_WIDEN_F16(name, isa) {#name, Isa::isa, name},
#include "native/kernels/half/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const WidenKernel& chooseWidenBfloat16(Isa isa) {
  static constexpr WidenKernel kKernels[] = {
#define OCTAVO_WIDEN_BF16(name, isa) {#name, Isa::isa, name},
#include "native/kernels/half/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
