// USDOT: u8 times s8, as the weights are.
#include "native/kernels/depthwise/rows.h"
#include "native/kernels/simd/neon.h"

namespace octavo {

using Direct = DirectProduct<NeonI8mm>;

void depthwise_u8s8u8_16c_neoni8mm(const DepthwiseArgs& args) {
  depthwiseTaps<NeonI8mm, Direct, 2>(args);
}
void depthwise_u8s8u8_16c_rows_neoni8mm(const DepthwiseArgs& args) {
  depthwiseRows<NeonI8mm, NeonI8mm, Direct, 4>(args);
}

}  // namespace octavo
