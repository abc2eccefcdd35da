#include "native/kernels/bitdot/bitdot.h"

namespace octavo {

#define OCTAVO_BITDOT(name, isa, columns, popcount) void name(const BitDotArgs& args);
#include "native/kernels/bitdot/kernels.inc"

const BitDotKernel& chooseBitDot(Isa isa) {
  static constexpr BitDotKernel kKernels[] = {
#define OCTAVO_BITDOT(name, isa, columns, popcount) {#name, Isa::isa, columns, popcount, name},
#include "native/kernels/bitdot/kernels.inc"
  };
  const BitDotKernel* best = &kKernels[0];
  for (const BitDotKernel& kernel : kKernels) {
    if (kernel.popcount && !isVpopcntSupported()) continue;
    if (isaImplies(isa, kernel.isa) && kernel.isa > best->isa) best = &kernel;
  }
  return *best;
}

}  // namespace octavo
