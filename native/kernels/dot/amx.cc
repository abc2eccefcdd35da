// AMX: tdpbusd on tiles.
#include "native/kernels/dot/tiles.h"

namespace octavo {

void dot_u8s8i32_32x16c4_amx(const DotArgs& args) { tileKernel<1>(args); }
void dot_u8s8i32_32x32c4_amx(const DotArgs& args) { tileKernel<2>(args); }

}  // namespace octavo
