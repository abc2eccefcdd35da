// Plain C++, for any CPU, and the specification of the family.
#include <string.h>

#include "native/kernels/depthwise/depthwise.h"
#include "native/kernels/scalar.h"

namespace octavo {

void depthwise_u8s8u8_16c_portable(const DepthwiseArgs& args) {
  constexpr size_t kChannels = 16;
  const DepthwiseTaps& taps = args.taps;
  for (size_t o = 0; o < args.outputs; ++o) {
    uint32_t acc[kChannels];  // unsigned: sums wrap where a vector instruction's would
    for (size_t p = 0; p < kChannels; ++p) acc[p] = static_cast<uint32_t>(args.bias[p]);
    const int8_t* w = args.weights;
    for (size_t quad = 0; quad < args.quads; ++quad, w += 4 * kChannels) {
      for (size_t t = 0; t < 4; ++t) {
        const size_t at = static_cast<size_t>(taps.tapAt[4 * quad + t]) + o * taps.step;
        const uint8_t* x = taps.grid[at] + args.offset;
        for (size_t p = 0; p < kChannels; ++p) acc[p] += static_cast<uint32_t>(x[p] * w[4 * p + t]);
      }
    }
    uint8_t* const y = args.y + o * args.yStride;
    for (size_t p = 0; p < args.channels; ++p) {
      const auto sum = static_cast<int32_t>(acc[p]);
      if (args.output == DepthwiseOutput::kInt32) {
        memcpy(y + p * sizeof sum, &sum, sizeof sum);
        continue;
      }
      const float value = static_cast<float>(sum) * args.multiplier[p];
      if (args.output == DepthwiseOutput::kFloat32) {
        float result = args.addend == nullptr ? value : value + args.addend[p];
        // NaN stays NaN, and -0 becomes a bound of 0.
        if (result <= args.lower) result = args.lower;
        if (result > args.upper) result = args.upper;
        memcpy(y + p * sizeof result, &result, sizeof result);
      } else {
        y[p] = static_cast<uint8_t>(roundToInteger(value, args.zero, args.min, args.max));
      }
    }
  }
}

}  // namespace octavo
