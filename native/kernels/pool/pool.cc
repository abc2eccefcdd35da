#include "native/kernels/pool/pool.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_MAXPOOL_U8(name, isa) void name(const MaxPoolArgs& args);
#define OCTAVO_MAXPOOL_S8(name, isa) void name(const MaxPoolArgs& args);
#define OCTAVO_MAXPOOL_F32(name, isa) void name(const MaxPoolArgs& args);
#define OCTAVO_QAVERAGEPOOL(name, isa) void name(const QAveragePoolArgs& args);
#include "native/kernels/pool/kernels.inc"

const MaxPoolKernel& chooseMaxPoolU8(Isa isa) {
  static constexpr MaxPoolKernel kKernels[] = {
#define OCTAVO_MAXPOOL_U8(name, isa) {#name, Isa::isa, name},
#include "native/kernels/pool/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const MaxPoolKernel& chooseMaxPoolS8(Isa isa) {
  static constexpr MaxPoolKernel kKernels[] = {
#define OCTAVO_MAXPOOL_S8(name, isa) {#name, Isa::isa, name},
#include "native/kernels/pool/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const MaxPoolKernel& chooseMaxPoolF32(Isa isa) {
  static constexpr MaxPoolKernel kKernels[] = {
#define OCTAVO_MAXPOOL_F32(name, isa) {#name, Isa::isa, name},
#include "native/kernels/pool/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const QAveragePoolKernel& chooseQAveragePool(Isa isa) {
  static constexpr QAveragePoolKernel kKernels[] = {
#define OCTAVO_QAVERAGEPOOL(name, isa) {#name, Isa::isa, name},
#include "native/kernels/pool/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
