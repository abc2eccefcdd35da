#include "native/kernels/nbits/nbits.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_NBITS(name, isa, columns) void name(const NbitsArgs& args);
#define OCTAVO_BLOCKSUM(name, isa) void name(const BlockSumArgs& args);
#include "native/kernels/nbits/kernels.inc"

const NbitsKernel& chooseNbits(Isa isa) {
  static constexpr NbitsKernel kKernels[] = {
#define OCTAVO_NBITS(name, isa, columns) {#name, Isa::isa, columns, name},
#include "native/kernels/nbits/kernels.inc"
  };
  // The kernel of AVX-VNNI is in VEX encoding alone.
  const bool evex = isa == Isa::kAvxVnni && !isVexVnniSupported();
  return chooseByIsa(kKernels, evex ? Isa::kAvx2 : isa);
}

const BlockSumKernel& chooseBlockSum(Isa isa) {
  static constexpr BlockSumKernel kKernels[] = {
#define OCTAVO_BLOCKSUM(name, isa) {#name, Isa::isa, name},
#include "native/kernels/nbits/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
