// 32 registers hold four outputs of four vectors. What remains of the channels behind blocks of 64
// takes narrower cells, several to a vector, not a block that is part empty.
#include "native/kernels/depthwise/avxvnni.h"
#include "native/kernels/depthwise/pairs.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {
namespace {

using Direct16 = DirectProduct<AvxVnni128>;
using Direct32 = DirectProduct<AvxVnni>;
using Direct64 = DirectProduct<Avx512>;

}  // namespace

void depthwise_u8s8u8_16c_avx512vnni(const DepthwiseArgs& args) {
  depthwiseTaps<AvxVnni128, Direct16, 2>(args);
}
void depthwise_u8s8u8_32c_avx512vnni(const DepthwiseArgs& args) {
  depthwiseTaps<AvxVnni, Direct32, 2>(args);
}
void depthwise_u8s8u8_64c_avx512vnni(const DepthwiseArgs& args) {
  depthwiseTaps<Avx512, Direct64, 2>(args);
}
void depthwise_u8s8u8_16c_rows_avx512vnni(const DepthwiseArgs& args) {
  depthwiseRowPairs<AvxVnni128, Avx512, Direct64, 4>(args);
}
void depthwise_u8s8u8_32c_rows_avx512vnni(const DepthwiseArgs& args) {
  depthwiseRowPairs<AvxVnni, Avx512, Direct64, 4>(args);
}
void depthwise_u8s8u8_64c_rows_avx512vnni(const DepthwiseArgs& args) {
  depthwiseRowPairs<Avx512, Avx512, Direct64, 4>(args);
}

OCTAVO_AVXVNNI_TAPS(depthwise_u8s8u8_16c_avxvnni_evex, AvxVnni128)
OCTAVO_AVXVNNI_TAPS(depthwise_u8s8u8_32c_avxvnni_evex, AvxVnni)
OCTAVO_AVXVNNI_ROWS(depthwise_u8s8u8_16c_rows_avxvnni_evex, AvxVnni128)
OCTAVO_AVXVNNI_ROWS(depthwise_u8s8u8_32c_rows_avxvnni_evex, AvxVnni)

}  // namespace octavo
