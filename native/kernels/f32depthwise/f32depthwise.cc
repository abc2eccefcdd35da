#include "native/kernels/f32depthwise/f32depthwise.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_FLOAT_DEPTHWISE(name, isa) void name(const FloatDepthwiseArgs& args);
#include "native/kernels/f32depthwise/kernels.inc"
#undef OCTAVO_FLOAT_DEPTHWISE

const FloatDepthwiseKernel& chooseFloatDepthwise(Isa isa) {
  static constexpr FloatDepthwiseKernel kKernels[] = {
#define OCTAVO_FLOAT_DEPTHWISE(name, isa) {#name, Isa::isa, name},
#include "native/kernels/f32depthwise/kernels.inc"
#undef OCTAVO_FLOAT_DEPTHWISE
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
