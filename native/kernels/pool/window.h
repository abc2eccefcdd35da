// The kernels of the family as templates over a vector vocabulary V (kernels/simd).
#pragma once

#include "native/kernels/pool/pool.h"
#include "native/kernels/simd/requantize.h"

namespace octavo {
namespace {

template <typename Vector>
struct MaxU8 {
  using V = Vector;
  static OCTAVO_INLINE typename V::Int fold(typename V::Int best, typename V::Int x) {
    return V::maxU8(best, x);
  }
};

template <typename Vector>
struct MaxS8 {
  using V = Vector;
  static OCTAVO_INLINE typename V::Int fold(typename V::Int best, typename V::Int x) {
    return V::maxS8(best, x);
  }
};

template <typename Vector>
struct MaxF32 {
  using V = Vector;
  static OCTAVO_INLINE typename V::Int fold(typename V::Int best, typename V::Int x) {
    return V::bits(V::maxOrNan(V::fromBits(best), V::fromBits(x)));
  }
};

// Windows of kSide × kSide cells, or of any where it is 0.
template <typename Max, size_t kSide>
inline void maxPoolOf(const MaxPoolArgs& given) {
  using V = typename Max::V;
  const MaxPoolArgs args = given;
  const PoolWindow& window = args.window;
  const size_t rows = kSide == 0 ? window.rows : kSide, cells = kSide == 0 ? window.cells : kSide;
  uint8_t* y = args.y;
  for (size_t o = 0; o < window.outputs; ++o, y += args.channelBytes) {
    const uint8_t* x = window.x + o * window.outputStride;
    for (size_t c = 0; c < args.channelBytes; c += V::kBytes) {
      auto best = V::load(x + c);
#pragma GCC unroll 3
      for (size_t i = 0; i < rows; ++i) {
        const uint8_t* cell = x + c + i * window.rowStride;
#pragma GCC unroll 3
        for (size_t j = 0; j < cells; ++j, cell += window.cellStride) {
          best = Max::fold(best, V::load(cell));
        }
      }
      const size_t left = args.channelBytes - c;
      if (left >= V::kBytes) {
        V::store(y + c, best);
      } else {
        V::storeFirst(y + c, best, left);
      }
    }
  }
}

template <typename Max>
inline void maxPool(const MaxPoolArgs& args) {
  const PoolWindow& window = args.window;
  if (window.rows == 3 && window.cells == 3) return maxPoolOf<Max, 3>(args);
  if (window.rows == 2 && window.cells == 2) return maxPoolOf<Max, 2>(args);
  maxPoolOf<Max, 0>(args);
}

// Sums of one vector of bytes over a window, as int32 in four vectors, in the order that packing
// undoes. Bytes are added as words, of which 257 fit, and those carried over to int32.
template <typename V>
OCTAVO_INLINE void sumWindow(const PoolWindow& window, const uint8_t* x, int32_t start,
                             typename V::Int* sums) {
  constexpr size_t kMost = 257;
  const auto nothing = V::zero();
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) sums[j] = V::set32(start);
  auto low = nothing, high = nothing;
  size_t added = 0;
  const auto carry = [&] {
    sums[0] = V::add32(sums[0], V::unpackLow16(low, nothing));
    sums[1] = V::add32(sums[1], V::unpackHigh16(low, nothing));
    sums[2] = V::add32(sums[2], V::unpackLow16(high, nothing));
    sums[3] = V::add32(sums[3], V::unpackHigh16(high, nothing));
    low = high = nothing;
    added = 0;
  };
  for (size_t i = 0; i < window.rows; ++i) {
    const uint8_t* cell = x + i * window.rowStride;
    for (size_t j = 0; j < window.cells; ++j, cell += window.cellStride) {
      if (added == kMost) carry();
      const auto bytes = V::load(cell);
      low = V::add16(low, V::unpackLow8(bytes, nothing));
      high = V::add16(high, V::unpackHigh8(bytes, nothing));
      ++added;
    }
  }
  carry();
}

template <typename V>
inline void averagePool(const QAveragePoolArgs& given) {
  const QAveragePoolArgs args = given;
  const PoolWindow& window = args.window;
  const Requantize<V> to(args.zero, args.min, args.max);
  const auto multiplier = V::setFloat(args.multiplier);
  const auto cells = static_cast<uint32_t>(window.rows * window.cells);
  const auto start = static_cast<int32_t>(0u - cells * static_cast<uint32_t>(args.xZero));
  for (size_t o = 0; o < window.outputs; ++o) {
    const uint8_t* x = window.x + o * window.outputStride;
    for (size_t c = 0; c < args.channels; c += V::kBytes) {
      typename V::Int sums[4];
      sumWindow<V>(window, x + c, start, sums);
      typename V::Float means[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) means[j] = V::multiply(V::toFloat(sums[j]), multiplier);
      const size_t left = args.channels - c, at = o * args.channels + c;
      if (args.toFloat) {
        // Vector j holds groups of four channels, each from another lane: 16 * lane + 4 * j.
        float values[4 * V::kWords];
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) V::storeFloat(values + j * V::kWords, means[j]);
        float* y = static_cast<float*>(args.y) + at;
        for (size_t k = 0; k < V::kBytes && k < left; ++k) {
          y[k] = values[k / 4 % 4 * V::kWords + k / 16 * 4 + k % 4];
        }
        continue;
      }
      typename V::Int q[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) q[j] = to.round(means[j]);
      const auto bytes = to.pack(q[0], q[1], q[2], q[3]);
      uint8_t* y = static_cast<uint8_t*>(args.y) + at;
      if (left >= V::kBytes) {
        V::store(y, bytes);
      } else {
        V::storeFirst(y, bytes, left);
      }
    }
  }
}

}  // namespace
}  // namespace octavo
