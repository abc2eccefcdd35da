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

template <typename C>
void rows64(const DepthwiseArgs& args) {
  if (isForPairs<C, Avx512>(args)) {
    return args.rows.shifts == 2 ? rowPairs<C, Avx512, Direct64, 2>(args)
                                 : rowPairs<C, Avx512, Direct64, 1>(args);
  }
  depthwiseRows<C, Avx512, Direct64, 4>(args);
}

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
void depthwise_u8s8u8_16c_rows_avx512vnni(const DepthwiseArgs& args) { rows64<AvxVnni128>(args); }
void depthwise_u8s8u8_32c_rows_avx512vnni(const DepthwiseArgs& args) { rows64<AvxVnni>(args); }
void depthwise_u8s8u8_64c_rows_avx512vnni(const DepthwiseArgs& args) { rows64<Avx512>(args); }

OCTAVO_AVXVNNI_TAPS(depthwise_u8s8u8_16c_avxvnni_evex, AvxVnni128)
OCTAVO_AVXVNNI_TAPS(depthwise_u8s8u8_32c_avxvnni_evex, AvxVnni)
OCTAVO_AVXVNNI_ROWS(depthwise_u8s8u8_16c_rows_avxvnni_evex, AvxVnni128)
OCTAVO_AVXVNNI_ROWS(depthwise_u8s8u8_32c_rows_avxvnni_evex, AvxVnni)

}  // namespace octavo
