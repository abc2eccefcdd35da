// Products of int16 are widened and added to their neighbours.
#include "native/kernels/simd/neon.h"

#include "native/kernels/dot16/tile.h"

namespace octavo {
namespace {

struct WordProduct {
  static OCTAVO_INLINE void accumulate(Neon::Int& acc, Neon::Int a, Neon::Int b) {
    Neon::addTo(acc, Neon::s32(Neon::multiplyAdd16(a, b)));
  }
};

}  // namespace

void dot_s16s16i64_x16_neon(const Dot16Args& args) { dot16<Neon, WordProduct, 4, 4>(args); }

}  // namespace octavo
