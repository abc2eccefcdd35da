#include "native/kernels/quantize/quantize.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_QUANTIZE(name, isa) void name(const QuantizeArgs& args);
#define OCTAVO_DEQUANTIZE(name, isa) void name(const DequantizeArgs& args);
#define OCTAVO_RANGE(name, isa) void name(const RangeArgs& args);
#define OCTAVO_QUANTIZE_ROWS(name, isa) void name(const QuantizeRowsArgs& args);
#include "native/kernels/quantize/kernels.inc"

const QuantizeKernel& chooseQuantize(Isa isa) {
  static constexpr QuantizeKernel kKernels[] = {
#define OCTAVO_QUANTIZE(name, isa) {#name, Isa::isa, name},
#include "native/kernels/quantize/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const DequantizeKernel& chooseDequantize(Isa isa) {
  static constexpr DequantizeKernel kKernels[] = {
#define OCTAVO_DEQUANTIZE(name, isa) {#name, Isa::isa, name},
#include "native/kernels/quantize/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const RangeKernel& chooseRange(Isa isa) {
  static constexpr RangeKernel kKernels[] = {
#define OCTAVO_RANGE(name, isa) {#name, Isa::isa, name},
#include "native/kernels/quantize/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

const QuantizeRowsKernel& chooseQuantizeRows(Isa isa) {
  static constexpr QuantizeRowsKernel kKernels[] = {
#define OCTAVO_QUANTIZE_ROWS(name, isa) {#name, Isa::isa, name},
#include "native/kernels/quantize/kernels.inc"
  };
  return chooseByIsa(kKernels, isa);
}

}  // namespace octavo
