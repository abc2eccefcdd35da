// What the dispatch of several families shares: the choice where kernels differ by instruction set
// alone, and kernels that the caller names.
#pragma once

#include <cstddef>
#include <cstring>

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

// Whether this CPU can run a kernel, for families with kernels of AVX-VNNI: those exist in two
// encodings (cpu/isa.h), and either will do where the CPU has it.
template <typename Kernel>
bool isRunnable(const Kernel& kernel) {
  if (kernel.isa != Isa::kAvxVnni) return isaSupported(kernel.isa);
  return kernel.evex ? isaSupported(Isa::kAvx512Vnni) : isVexVnniSupported();
}

// The kernel of that name, or null.
template <typename Kernel, size_t n>
const Kernel* findByName(const Kernel (&kernels)[n], const char* name) {
  for (const Kernel& kernel : kernels) {
    if (std::strcmp(kernel.name, name) == 0) return &kernel;
  }
  return nullptr;
}

}  // namespace octavo
