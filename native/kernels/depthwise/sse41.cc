// The kernels of avx2.cc that have 16 channels.
#include "native/kernels/simd/sse41.h"

#include "native/kernels/depthwise/rows.h"
#include "native/kernels/depthwise/wide.h"

namespace octavo {

using Wide16 = WideProduct<Sse41>;

void depthwise_u8s8u8_16c_sse41(const DepthwiseArgs& args) {
  depthwiseTaps<Sse41, Wide16, 1>(args);
}
void depthwise_u8s8u8_16c_rows_sse41(const DepthwiseArgs& args) {
  depthwiseRows<Sse41, Sse41, Wide16, 2>(args);
}

}  // namespace octavo
