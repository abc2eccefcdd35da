#include "native/kernels/lookup/lookup.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_LOOKUP(name, isa) void name(const LookupArgs& args);
#include "native/kernels/lookup/kernels.inc"

const LookupKernel& chooseLookup(Isa isa) {
  static constexpr LookupKernel kKernels[] = {
#define OCTAVO_LOOKUP(name, isa) {#name, Isa::isa, name},
#include "native/kernels/lookup/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
