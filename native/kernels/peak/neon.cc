// Without a dot product instruction, sixteen products of bytes are two multiplications and an
// addition of neighbours.
#include "native/kernels/simd/neon.h"

#include "native/kernels/peak/loop.h"

namespace octavo {
namespace {

struct ByteProduct {
  using Vector = int32x4_t;
  static constexpr int kAccumulators = 8;
  static constexpr bool kDistinct = true;
  static int32x4_t accumulate(int32x4_t acc, int32x4_t a, int32x4_t b) {
    const int8x16_t x = vreinterpretq_s8_s32(a), y = vreinterpretq_s8_s32(b);
    const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(y));
    return vpadalq_s16(acc, vmlal_high_s8(low, x, y));
  }
};

struct FloatProduct {
  using Vector = float32x4_t;
  static constexpr int kAccumulators = 24;
  static constexpr bool kDistinct = false;
  static float32x4_t accumulate(float32x4_t acc, float32x4_t a, float32x4_t b) {
    return vfmaq_f32(acc, a, b);
  }
};

}  // namespace

void peak_s8s8s32_neon(const PeakArgs& args) { peakLoop<ByteProduct>(args); }
void peak_f32_neon(const PeakArgs& args) { peakLoop<FloatProduct>(args); }

}  // namespace octavo
