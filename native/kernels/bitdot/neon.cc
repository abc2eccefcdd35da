// NEON counts the bits of bytes. Counts stay in bytes for 31 words, each of which adds up to 8 to
// every byte.
#include <arm_neon.h>

#include "native/kernels/bitdot/tile.h"

namespace octavo {
namespace {

struct Counter {
  using Vector = uint8x16_t;
  static constexpr size_t kWords = 4;
  static constexpr size_t kMostWords = 31;
  static Vector zero() { return vdupq_n_u8(0); }
  static Vector load(const uint32_t* p) { return vreinterpretq_u8_u32(vld1q_u32(p)); }
  static Vector broadcast(uint32_t word) { return vreinterpretq_u8_u32(vdupq_n_u32(word)); }
  static OCTAVO_INLINE void add(Vector& count, Vector a, Vector b) {
    count = vaddq_u8(count, vcntq_u8(veorq_u8(a, b)));
  }
  static void store(uint32_t* to, Vector count, bool first) {
    uint32x4_t words = vpaddlq_u16(vpaddlq_u8(count));
    if (!first) words = vaddq_u32(words, vld1q_u32(to));
    vst1q_u32(to, words);
  }
};

}  // namespace

void bitdot_x16_neon(const BitDotArgs& args) { bitDot<Counter, 4, 4>(args); }

}  // namespace octavo
