#include "native/kernels/peak/avxvnni.h"

namespace octavo {

void peak_u8s8s32_avxvnni(const PeakArgs& args) { peakLoop<ByteProduct256>(args); }

}  // namespace octavo
