// The end of kTaps where results have four bytes: sums as they are, or float32.
#pragma once

#include <string.h>

#include "native/kernels/depthwise/depthwise.h"
#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename V>
OCTAVO_INLINE typename V::Int floatBits(const DepthwiseArgs& args, int position,
                                        typename V::Int sums) {
  auto value = V::multiply(V::toFloat(sums), V::loadFloat(args.multiplier + position));
  if (args.addend != nullptr) value = V::add(value, V::loadFloat(args.addend + position));
  return V::bits(V::min(V::setFloat(args.upper), V::maxOrNan(value, V::setFloat(args.lower))));
}

// One output, of sums in the order of positions: four neighbouring channels lie together.
template <typename V>
OCTAVO_NOINLINE void storeWords(const DepthwiseArgs& args, uint8_t* y, const int32_t* sums) {
  constexpr int kPositions = 4 * V::kWords, kTogether = 4;
  int32_t words[kPositions], inOrder[kPositions];
#pragma GCC unroll 4
  for (int p = 0; p < kPositions; p += V::kWords) {
    const auto acc = V::load(sums + p);
    V::store(words + p, args.output == DepthwiseOutput::kInt32 ? acc : floatBits<V>(args, p, acc));
  }
  const bool full = args.channels == kPositions;
  void* const to = full ? static_cast<void*>(y) : inOrder;
  for (int lane = 0; lane < V::kLanes; ++lane) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const int channel = 16 * lane + kTogether * j, at = V::kWords * j + kTogether * lane;
      memcpy(static_cast<int32_t*>(to) + channel, words + at, kTogether * sizeof(int32_t));
    }
  }
  if (!full) memcpy(y, inOrder, args.channels * sizeof(int32_t));
}

}  // namespace
}  // namespace octavo
