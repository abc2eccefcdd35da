#include "native/kernels/transpose/transpose.h"

namespace octavo {

#define OCTAVO_TRANSPOSE(name, isa, bytes) void name(const TransposeArgs& args);
#include "native/kernels/transpose/kernels.inc"
#undef OCTAVO_TRANSPOSE

const TransposeKernel& chooseTranspose(Isa isa, size_t bytes) {
  static constexpr TransposeKernel kKernels[] = {
#define OCTAVO_TRANSPOSE(name, isa, bytes) {#name, Isa::isa, bytes, name},
#include "native/kernels/transpose/kernels.inc"
#undef OCTAVO_TRANSPOSE
  };
  const TransposeKernel* best = nullptr;
  for (const TransposeKernel& kernel : kKernels) {
    if (kernel.bytes != bytes || !isaImplies(isa, kernel.isa)) continue;
    if (best == nullptr || kernel.isa > best->isa) best = &kernel;
  }
  return *best;
}

}  // namespace octavo
