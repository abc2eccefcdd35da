// Four at a time; the last few by way of memory.
#include <arm_neon.h>
#include <string.h>

#include "native/kernels/half/half.h"

namespace octavo {
namespace {

template <typename Widen>
inline void widen(const WidenArgs& args, Widen&& four) {
  size_t i = 0;
  for (; i + 4 <= args.count; i += 4) vst1q_f32(args.y + i, four(vld1_u16(args.x + i)));
  if (i == args.count) return;
  uint16_t from[4] = {};
  float to[4];
  memcpy(from, args.x + i, (args.count - i) * sizeof(uint16_t));
  vst1q_f32(to, four(vld1_u16(from)));
  memcpy(args.y + i, to, (args.count - i) * sizeof(float));
}

}  // namespace

void widen_f16f32_neon(const WidenArgs& args) {
  widen(args, [](uint16x4_t half) { return vcvt_f32_f16(vreinterpret_f16_u16(half)); });
}

void widen_bf16f32_neon(const WidenArgs& args) {
  widen(args, [](uint16x4_t half) { return vreinterpretq_f32_u32(vshll_n_u16(half, 16)); });
}

}  // namespace octavo
