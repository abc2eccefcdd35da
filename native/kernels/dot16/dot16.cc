#include "native/kernels/dot16/dot16.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_DOT16(name, isa, columns) void name(const Dot16Args& args);
#include "native/kernels/dot16/kernels.inc"

const Dot16Kernel& chooseDot16(Isa isa) {
  static constexpr Dot16Kernel kKernels[] = {
#define OCTAVO_DOT16(name, isa, columns) {#name, Isa::isa, columns, name},
#include "native/kernels/dot16/kernels.inc"
  };
  // The kernel of AVX-VNNI is in VEX encoding alone.
  const bool evex = isa == Isa::kAvxVnni && !isVexVnniSupported();
  return chooseByIsa(kKernels, evex ? Isa::kAvx2 : isa);
}

}  // namespace octavo
