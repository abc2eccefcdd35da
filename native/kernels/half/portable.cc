// Plain C++, for any CPU. Both run without branches, so that compilers make vectors of them.
#include <string.h>

#include "native/kernels/half/half.h"

namespace octavo {
namespace {

float floatOf(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

void widen_f16f32_portable(const WidenArgs& args) {
  for (size_t i = 0; i < args.count; ++i) {
    const uint32_t half = args.x[i], magnitude = (half & 0x7fffu) << 13;
    // As it is, the exponent is 112 too small: a multiplication puts that right, and makes what is
    // subnormal normal. Infinity and NaN then miss the highest exponent by a little.
    const float scaled = floatOf(magnitude) * 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &scaled, sizeof bits);
    if (magnitude >= 0x1fu << 23) bits |= 0xffu << 23;
    args.y[i] = floatOf(bits | (half & 0x8000u) << 16);
  }
}

void widen_bf16f32_portable(const WidenArgs& args) {
  for (size_t i = 0; i < args.count; ++i) {
    args.y[i] = floatOf(static_cast<uint32_t>(args.x[i]) << 16);
  }
}

}  // namespace octavo
