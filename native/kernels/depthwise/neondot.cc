// SDOT on u8 - 128.
#include "native/kernels/depthwise/rows.h"
#include "native/kernels/simd/neon.h"

namespace octavo {

void depthwise_u8s8u8_16c_neondot(const DepthwiseArgs& args) {
  depthwiseTaps<Neon, NeonDotProduct, 2>(args);
}
void depthwise_u8s8u8_16c_rows_neondot(const DepthwiseArgs& args) {
  depthwiseRows<Neon, Neon, NeonDotProduct, 4>(args);
}

}  // namespace octavo
