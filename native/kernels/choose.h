// Dispatch for families whose kernels differ by instruction set alone.
#pragma once

#include <cstddef>

#include "native/cpu/isa.h"

namespace octavo {

// The kernel of the best instruction set among those that may run; the first one is portable.
template <typename Kernel, size_t n>
const Kernel& chooseByIsa(const Kernel (&kernels)[n], Isa isa) {
  const Kernel* best = &kernels[0];
  for (const Kernel& kernel : kernels) {
    if (isaImplies(isa, kernel.isa) && kernel.isa > best->isa) best = &kernel;
  }
  return *best;
}

}  // namespace octavo
