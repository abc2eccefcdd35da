#include "native/kernels/depthwise/avxvnni.h"

namespace octavo {

OCTAVO_AVXVNNI_TAPS(depthwise_u8s8u8_16c_avxvnni, AvxVnni128)
OCTAVO_AVXVNNI_TAPS(depthwise_u8s8u8_32c_avxvnni, AvxVnni)
OCTAVO_AVXVNNI_ROWS(depthwise_u8s8u8_16c_rows_avxvnni, AvxVnni128)
OCTAVO_AVXVNNI_ROWS(depthwise_u8s8u8_32c_rows_avxvnni, AvxVnni)

}  // namespace octavo
