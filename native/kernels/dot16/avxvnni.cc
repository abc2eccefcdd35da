// AVX-VNNI: 256-bit vpdpwssd and 16 registers.
#include "native/kernels/dot16/tile.h"
#include "native/kernels/simd/avx2.h"

namespace octavo {

void dot_s16s16i64_x16_avxvnni(const Dot16Args& args) {
  dot16<AvxVnni, DotWords<AvxVnni>, 6, 2>(args);
}

}  // namespace octavo
