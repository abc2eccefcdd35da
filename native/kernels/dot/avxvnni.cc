#include "native/kernels/dot/avxvnni.h"

namespace octavo {

OCTAVO_AVXVNNI_DOT(dot_u8s8i32_6x8c4_avxvnni, 6, 1)
OCTAVO_AVXVNNI_DOT(dot_u8s8i32_6x16c4_avxvnni, 6, 2)

}  // namespace octavo
