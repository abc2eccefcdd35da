#include "native/kernels/simd/avx2.h"

#include "native/kernels/depthwise/rows.h"
#include "native/kernels/depthwise/wide.h"
#include "native/kernels/simd/avx128.h"

namespace octavo {
namespace {

using Wide16 = WideProduct<Avx128>;
using Wide32 = WideProduct<Avx2>;

}  // namespace

void depthwise_u8s8u8_16c_avx2(const DepthwiseArgs& args) {
  depthwiseTaps<Avx128, Wide16, 1>(args);
}
void depthwise_u8s8u8_32c_avx2(const DepthwiseArgs& args) { depthwiseTaps<Avx2, Wide32, 1>(args); }
void depthwise_u8s8u8_16c_rows_avx2(const DepthwiseArgs& args) {
  depthwiseRows<Avx128, Avx2, Wide32, 2>(args);
}
void depthwise_u8s8u8_32c_rows_avx2(const DepthwiseArgs& args) {
  depthwiseRows<Avx2, Avx2, Wide32, 2>(args);
}

}  // namespace octavo
