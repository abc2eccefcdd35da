// A table lookup reaches 64 bytes in four registers: four of them, each of which leaves alone the
// indexes that lie beyond its own part.
#include <arm_neon.h>

#include "native/kernels/lookup/lookup.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

OCTAVO_INLINE uint8x16x4_t load64(const uint8_t* p) {
  uint8x16x4_t part;
  part.val[0] = vld1q_u8(p);
  part.val[1] = vld1q_u8(p + 16);
  part.val[2] = vld1q_u8(p + 32);
  part.val[3] = vld1q_u8(p + 48);
  return part;
}

}  // namespace

void lookup_u8u8_neon(const LookupArgs& args) {
  const uint8_t* table = args.table;
  const uint8x16x4_t first = load64(table), second = load64(table + 64);
  const uint8x16x4_t third = load64(table + 128), fourth = load64(table + 192);
  const uint8x16_t part = vdupq_n_u8(64);
  size_t i = 0;
  for (; i + 16 <= args.count; i += 16) {
    uint8x16_t indexes = vld1q_u8(args.x + i);
    uint8x16_t y = vqtbl4q_u8(first, indexes);
    indexes = vsubq_u8(indexes, part);
    y = vqtbx4q_u8(y, second, indexes);
    indexes = vsubq_u8(indexes, part);
    y = vqtbx4q_u8(y, third, indexes);
    indexes = vsubq_u8(indexes, part);
    vst1q_u8(args.y + i, vqtbx4q_u8(y, fourth, indexes));
  }
  for (; i < args.count; ++i) args.y[i] = table[args.x[i]];
}

}  // namespace octavo
