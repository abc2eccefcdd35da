// A table lookup reaches 64 bytes in four registers: four of them, each of which leaves alone the
// indexes that lie beyond its own part.
#include <arm_neon.h>

#include "native/kernels/lookup/lookup.h"

namespace octavo {

void lookup_u8u8_neon(const LookupArgs& args) {
  const uint8_t* table = args.table;
  const uint8x16x4_t parts[4] = {vld1q_u8_x4(table), vld1q_u8_x4(table + 64),
                                 vld1q_u8_x4(table + 128), vld1q_u8_x4(table + 192)};
  const uint8x16_t part = vdupq_n_u8(64);
  size_t i = 0;
  for (; i + 16 <= args.count; i += 16) {
    uint8x16_t indexes = vld1q_u8(args.x + i);
    uint8x16_t y = vqtbl4q_u8(parts[0], indexes);
    for (int p = 1; p < 4; ++p) {
      indexes = vsubq_u8(indexes, part);
      y = vqtbx4q_u8(y, parts[p], indexes);
    }
    vst1q_u8(args.y + i, y);
  }
  for (; i < args.count; ++i) args.y[i] = table[args.x[i]];
}

}  // namespace octavo
