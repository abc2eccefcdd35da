// The kernels of avx2.cc for 64 channels too, and with registers for two outputs of any window.
// Wide weights take too many registers for pairs of rows of 64 channels to gain.
#include "native/kernels/depthwise/pairs.h"
#include "native/kernels/depthwise/wide.h"
#include "native/kernels/simd/avx128.h"
#include "native/kernels/simd/avx2.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {
namespace {

using Wide16 = WideProduct<Avx128>;
using Wide32 = WideProduct<Avx2>;
using Wide64 = WideProduct<Avx512>;

}  // namespace

void depthwise_u8s8u8_16c_avx512bw(const DepthwiseArgs& args) {
  depthwiseTaps<Avx128, Wide16, 2>(args);
}
void depthwise_u8s8u8_32c_avx512bw(const DepthwiseArgs& args) {
  depthwiseTaps<Avx2, Wide32, 2>(args);
}
void depthwise_u8s8u8_64c_avx512bw(const DepthwiseArgs& args) {
  depthwiseTaps<Avx512, Wide64, 2>(args);
}
void depthwise_u8s8u8_16c_rows_avx512bw(const DepthwiseArgs& args) {
  depthwiseRowPairs<Avx128, Avx512, Wide64, 4>(args);
}
void depthwise_u8s8u8_32c_rows_avx512bw(const DepthwiseArgs& args) {
  depthwiseRowPairs<Avx2, Avx512, Wide64, 4>(args);
}
void depthwise_u8s8u8_64c_rows_avx512bw(const DepthwiseArgs& args) {
  depthwiseRows<Avx512, Avx512, Wide64, 4>(args);
}

}  // namespace octavo
