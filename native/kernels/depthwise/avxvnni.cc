#include "native/kernels/depthwise/block.h"
#include "native/kernels/simd/avx128.h"
#include "native/kernels/simd/avx2.h"

namespace octavo {
namespace {

using Direct16 = DirectProduct<AvxVnni128>;
using Direct32 = DirectProduct<AvxVnni>;

}  // namespace

void depthwise_u8s8u8_16c_avxvnni(const DepthwiseArgs& args) {
  depthwiseTaps<AvxVnni128, Direct16, 1>(args);
}
void depthwise_u8s8u8_32c_avxvnni(const DepthwiseArgs& args) {
  depthwiseTaps<AvxVnni, Direct32, 1>(args);
}
void depthwise_u8s8u8_16c_rows_avxvnni(const DepthwiseArgs& args) {
  depthwiseRows<AvxVnni128, Direct16, 2>(args);
}
void depthwise_u8s8u8_32c_rows_avxvnni(const DepthwiseArgs& args) {
  depthwiseRows<AvxVnni, Direct32, 2>(args);
}

}  // namespace octavo
