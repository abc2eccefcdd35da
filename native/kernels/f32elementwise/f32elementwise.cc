#include "native/kernels/f32elementwise/f32elementwise.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_UNARY(name, isa) void name(const UnaryArgs& args);
#define OCTAVO_BINARY(name, isa) void name(const BinaryArgs& args);
#include "native/kernels/f32elementwise/kernels.inc"
#undef OCTAVO_UNARY
#undef OCTAVO_BINARY

const UnaryKernel& chooseUnary(Isa isa) {
  static constexpr UnaryKernel kKernels[] = {
#define OCTAVO_UNARY(name, isa) {#name, Isa::isa, name},
#define OCTAVO_BINARY(name, isa)
#include "native/kernels/f32elementwise/kernels.inc"
#undef OCTAVO_UNARY
#undef OCTAVO_BINARY
  };
  return chooseByIsa(kKernels, isa);
}

const BinaryKernel& chooseBinary(Isa isa) {
  static constexpr BinaryKernel kKernels[] = {
#define OCTAVO_UNARY(name, isa)
#define OCTAVO_BINARY(name, isa) {#name, Isa::isa, name},
#include "native/kernels/f32elementwise/kernels.inc"
#undef OCTAVO_UNARY
#undef OCTAVO_BINARY
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
