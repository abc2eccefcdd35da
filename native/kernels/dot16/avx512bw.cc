// AVX-512 without VNNI: vpmaddwd on 512 bits.
#include "native/kernels/dot16/tile.h"
#include "native/kernels/simd/avx512.h"

namespace octavo {

void dot_s16s16i64_x48_avx512bw(const Dot16Args& args) {
  dot16<Avx512, MultiplyAddWords<Avx512>, 8, 3>(args);
}

}  // namespace octavo
