#include "native/kernels/elementwise/elementwise.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_QADD(name, isa) void name(const QBinaryArgs& args);
#define OCTAVO_QMUL(name, isa) void name(const QBinaryArgs& args);
#include "native/kernels/elementwise/kernels.inc"

const QBinaryKernel& chooseQAdd(Isa isa) {
  static constexpr QBinaryKernel kKernels[] = {
#define OCTAVO_QADD(name, isa) {#name, Isa::isa, name},
#include "native/kernels/elementwise/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const QBinaryKernel& chooseQMul(Isa isa) {
  static constexpr QBinaryKernel kKernels[] = {
#define OCTAVO_QMUL(name, isa) {#name, Isa::isa, name},
#include "native/kernels/elementwise/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
