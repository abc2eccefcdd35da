// The kernel as a template over a vector vocabulary V (kernels/simd). Rows of the window are summed
// apart, so that large windows lose no digits.
//
// Lanes behind the last channel sum up what follows in memory and are not stored; kTensorSlack
// makes them readable at the end of a tensor.
#pragma once

#include "native/kernels/f32pool/f32pool.h"

namespace octavo {
namespace {

// N vectors of channels, of which the first `channels` lanes are stored.
template <typename V, int N>
inline void averageChannels(const AveragePoolArgs& args, size_t c, size_t channels) {
  using Float = typename V::Float;
  Float sums[N];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) sums[i] = V::setFloat(0);
  for (size_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.rowStride + c;
    Float parts[N];
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) parts[i] = V::setFloat(0);
    for (size_t cell = 0; cell < args.cells; ++cell, x += args.cellStride) {
#pragma GCC unroll 4
      for (int i = 0; i < N; ++i) parts[i] = V::add(parts[i], V::loadFloat(x + i * V::kWords));
    }
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) sums[i] = V::add(sums[i], parts[i]);
  }
  const Float divisor = V::setFloat(args.divisor);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) {
    const Float average = V::divide(sums[i], divisor);
    float* y = args.y + c + i * V::kWords;
    if (channels >= static_cast<size_t>(N) * V::kWords) {
      V::storeFloat(y, average);
    } else {
      V::storeFloats(y, average, channels);
    }
  }
}

template <typename V>
inline void averagePool(const AveragePoolArgs& args) {
  size_t c = 0;
  for (; c + 4 * V::kWords <= args.channels; c += 4 * V::kWords) {
    averageChannels<V, 4>(args, c, 4 * V::kWords);
  }
  for (; c < args.channels; c += V::kWords) averageChannels<V, 1>(args, c, args.channels - c);
}

}  // namespace
}  // namespace octavo
