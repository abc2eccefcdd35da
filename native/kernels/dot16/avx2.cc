// AVX2: vpmaddwd.
#include "native/kernels/simd/avx2.h"

#include "native/kernels/dot16/tile.h"

namespace octavo {

void dot_s16s16i64_x16_avx2(const Dot16Args& args) {
  dot16<Avx2, MultiplyAddWords<Avx2>, 4, 2>(args);
}

}  // namespace octavo
