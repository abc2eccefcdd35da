#include "native/kernels/peak/loop.h"
#include "native/kernels/simd/neon.h"

namespace octavo {
namespace {

struct ByteProduct {
  using Vector = uint8x16_t;
  static constexpr int kAccumulators = 24;
  static constexpr bool kDistinct = false;
  static uint8x16_t accumulate(uint8x16_t acc, uint8x16_t a, uint8x16_t b) {
    NeonDotProduct::accumulate(acc, Neon::s8(a), Neon::s8(b));
    return acc;
  }
};

}  // namespace

void peak_s8s8s32_neondot(const PeakArgs& args) { peakLoop<ByteProduct>(args); }

}  // namespace octavo
