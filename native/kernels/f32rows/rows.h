// The kernels as templates over a vector vocabulary V (kernels/simd).
#pragma once

#include "native/kernels/f32rows/f32rows.h"
#include "native/kernels/simd/functions.h"
#include "native/kernels/simd/pair.h"

namespace octavo {

// For powers other than 0.75.
void lrn_f32_portable(const LrnArgs& args);

namespace {

// Vectors that are added up before their sum joins that of others: long rows lose no digits.
constexpr size_t kSumBlock = 64;

// Rows of which each step is taken before the next one: what waits for the end of a row, such as
// its sum, leaves time for the others.
constexpr size_t kMostTogether = 16, kFloatsTogether = 4096;

// run(first, rows) for rows that are taken together, one group after the other; length is not 0.
template <typename Run>
inline void forRowsTogether(size_t count, size_t length, Run&& run) {
  const size_t fit = kFloatsTogether / length;
  const size_t together = fit < 1 ? 1 : fit < kMostTogether ? fit : kMostTogether;
  for (size_t first = 0; first < count; first += together) {
    const size_t left = count - first;
    run(first, left < together ? left : together);
  }
}

// Anything where there is NaN.
template <typename V>
inline float largestOf(const float* x, size_t length) {
  using Float = typename V::Float;
  if (length < V::kWords) {
    float largest = x[0];
    for (size_t i = 1; i < length; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
  }
  // The last vector may overlap the others.
  const Float last = V::loadFloat(x + length - V::kWords);
  Float parts[4] = {last, last, last, last};
  size_t i = 0;
  for (; i + 4 * V::kWords <= length; i += 4 * V::kWords) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) parts[j] = V::max(parts[j], V::loadFloat(x + i + j * V::kWords));
  }
  for (; i + V::kWords <= length; i += V::kWords) parts[0] = V::max(parts[0], V::loadFloat(x + i));
  return V::largest(V::max(V::max(parts[0], parts[1]), V::max(parts[2], parts[3])));
}

// y = e^(x - max), and their sum.
template <typename V>
inline float exponentials(const float* x, float max, float* y, size_t length) {
  using Float = typename V::Float;
  using W = Four<V>;
  const Float shift = V::setFloat(max);
  const auto wideShift = W::setFloat(max);
  const size_t whole = length / V::kWords * V::kWords;
  Float sum = V::setFloat(0);
  for (size_t first = 0; first < whole; first += kSumBlock * V::kWords) {
    const size_t left = whole - first, block = kSumBlock * V::kWords;
    const size_t end = first + (left < block ? left : block);
    auto parts = W::setFloat(0);
    size_t i = first;
    for (; i + W::kWords <= end; i += W::kWords) {
      const auto powers =
          Functions<W>::exponentialUpToOne(W::subtract(W::loadFloat(x + i), wideShift));
      W::storeFloat(y + i, powers);
      parts = W::add(parts, powers);
    }
    Float part = V::add(V::add(parts.a.a, parts.a.b), V::add(parts.b.a, parts.b.b));
    for (; i < end; i += V::kWords) {
      const Float power = Functions<V>::exponentialUpToOne(V::subtract(V::loadFloat(x + i), shift));
      V::storeFloat(y + i, power);
      part = V::add(part, power);
    }
    sum = V::add(sum, part);
  }
  float total = V::sum(sum);
  if (whole < length) {
    const size_t rest = length - whole;
    const Float power =
        Functions<V>::exponentialUpToOne(V::subtract(V::loadFloats(x + whole, rest), shift));
    V::storeFloats(y + whole, power, rest);
    for (size_t i = whole; i < length; ++i) total += y[i];
  }
  return total;
}

template <typename V>
inline void scaleRow(float* y, float factor, size_t length) {
  const auto by = V::setFloat(factor);
  size_t i = 0;
  for (; i + V::kWords <= length; i += V::kWords) {
    V::storeFloat(y + i, V::multiply(V::loadFloat(y + i), by));
  }
  if (i < length) {
    V::storeFloats(y + i, V::multiply(V::loadFloats(y + i, length - i), by), length - i);
  }
}

// NaN comes into a row's sum, and so into all of the row.
template <typename V>
inline void softmax(const SoftmaxArgs& args) {
  const size_t length = args.length;
  if (length == 0) return;
  forRowsTogether(args.rows, length, [=, &args](size_t first, size_t rows) {
    const float* x = args.x + first * length;
    float* y = args.y + first * length;
    float of[kMostTogether];  // each row's maximum, then its sum
    for (size_t i = 0; i < rows; ++i) of[i] = largestOf<V>(x + i * length, length);
    for (size_t i = 0; i < rows; ++i) {
      of[i] = exponentials<V>(x + i * length, of[i], y + i * length, length);
    }
    for (size_t i = 0; i < rows; ++i) scaleRow<V>(y + i * length, 1 / of[i], length);
  });
}

// The sum of of(i), a vector of terms, or of(i, n) with n of them, over a row.
template <typename V, typename Of>
inline float sumOf(size_t length, Of&& of) {
  using Float = typename V::Float;
  const size_t whole = length / V::kWords * V::kWords;
  Float sum = V::setFloat(0);
  for (size_t first = 0; first < whole; first += kSumBlock * V::kWords) {
    const size_t left = whole - first, block = kSumBlock * V::kWords;
    const size_t end = first + (left < block ? left : block);
    // Four at a time: one would wait for the other.
    Float parts[4] = {V::setFloat(0), V::setFloat(0), V::setFloat(0), V::setFloat(0)};
    size_t i = first;
    for (; i + 4 * V::kWords <= end; i += 4 * V::kWords) {
#pragma GCC unroll 4
      for (size_t j = 0; j < 4; ++j) parts[j] = V::add(parts[j], of(i + j * V::kWords, V::kWords));
    }
    for (; i < end; i += V::kWords) parts[0] = V::add(parts[0], of(i, V::kWords));
    sum = V::add(sum, V::add(V::add(parts[0], parts[1]), V::add(parts[2], parts[3])));
  }
  if (whole < length) sum = V::add(sum, of(whole, length - whole));
  return V::sum(sum);
}

template <typename V>
inline void layerNorm(const LayerNormArgs& args) {
  using Float = typename V::Float;
  const size_t length = args.length;
  const float count = static_cast<float>(length);
  const auto take = [](const float* p, size_t n) -> Float {
    return n == V::kWords ? V::loadFloat(p) : V::loadFloats(p, n);
  };
  const auto put = [](float* p, Float v, size_t n) {
    n == V::kWords ? V::storeFloat(p, v) : V::storeFloats(p, v, n);
  };
  const auto meanOf = [=](const float* x) {
    return sumOf<V>(length, [=](size_t i, size_t n) { return take(x + i, n); }) / count;
  };
  const auto meanOfSum = [=](const float* x, const float* residual, float* y) {
    return sumOf<V>(length,
                    [=](size_t i, size_t n) {
                      const Float sum = V::add(take(x + i, n), take(residual + i, n));
                      put(y + i, sum, n);
                      return sum;
                    }) /
           count;
  };
  const auto varianceOf = [=](const float* x, float mean, float* y) {
    const Float shift = V::setFloat(mean);
    return sumOf<V>(length,
                    [=](size_t i, size_t n) {
                      Float off = V::subtract(take(x + i, n), shift);
                      // By way of y, so that what the last vector lacks is 0 and not 0 - mean.
                      if (n < V::kWords) {
                        V::storeFloats(y + i, off, n);
                        off = V::loadFloats(y + i, n);
                      }
                      return V::multiply(off, off);
                    }) /
           count;
  };
  // What is not a whole vector lies in y, less its mean.
  const auto scaleBy = [=, &args](const float* x, float mean, Float factor, float* y) {
    const float *scales = args.scale, *biases = args.bias;
    const auto scaled = [=](Float off, size_t i, size_t n) {
      const Float unit = V::multiply(off, factor), scale = take(scales + i, n);
      return biases == nullptr ? V::multiply(unit, scale)
                               : V::multiplyAdd(unit, scale, take(biases + i, n));
    };
    const Float shift = V::setFloat(mean);
    size_t i = 0;
    for (; i + V::kWords <= length; i += V::kWords) {
      const Float off = V::subtract(V::loadFloat(x + i), shift);
      V::storeFloat(y + i, scaled(off, i, V::kWords));
    }
    const size_t rest = length - i;
    if (rest > 0) V::storeFloats(y + i, scaled(V::loadFloats(y + i, rest), i, rest), rest);
  };
  if (length == 0) return;
  forRowsTogether(args.rows, length, [=, &args](size_t first, size_t rows) {
    const float* x = args.x + first * length;
    float* y = args.y + first * length;
    float mean[kMostTogether], variance[kMostTogether];
    if (args.residual == nullptr) {
      for (size_t i = 0; i < rows; ++i) mean[i] = meanOf(x + i * length);
    } else {
      const float* residual = args.residual + first * length;
      for (size_t i = 0; i < rows; ++i) {
        mean[i] = meanOfSum(x + i * length, residual + i * length, y + i * length);
      }
      x = y;
    }
    for (size_t i = 0; i < rows; ++i) {
      variance[i] = varianceOf(x + i * length, mean[i], y + i * length);
    }
    for (size_t i = 0; i < rows; ++i) {
      const Float root = V::squareRoot(V::setFloat(variance[i] + args.epsilon));
      scaleBy(x + i * length, mean[i], V::divide(V::setFloat(1), root), y + i * length);
    }
  });
}

// A vector of channels at a time. Sums go over zeros where neighbours are missing, which adds
// nothing; no operation is fused, so that the bits are those of the portable kernel.
template <typename V>
inline void lrn(const LrnArgs& args) {
  if (args.beta != 0.75f) return lrn_f32_portable(args);
  using Float = typename V::Float;
  const size_t channels = args.channels, size = args.before + 1 + args.after;
  float* squares = args.squares;
  const size_t room = lrnSquares(args);
  for (size_t i = 0; i < room; ++i) squares[i] = 0;
  const Float weight = V::setFloat(args.weight), bias = V::setFloat(args.bias);
  for (size_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * channels;
    float* y = args.y + row * channels;
    for (size_t c = 0; c < channels; ++c) squares[args.before + c] = x[c] * x[c];
    for (size_t c = 0; c < channels; c += V::kWords) {
      Float sum = V::loadFloat(squares + c);
      for (size_t i = 1; i < size; ++i) sum = V::add(sum, V::loadFloat(squares + c + i));
      const Float s = V::add(bias, V::multiply(weight, sum)), root = V::squareRoot(s);
      const Float power = V::multiply(root, V::squareRoot(root));
      const size_t left = channels - c;
      if (left >= V::kWords) {
        V::storeFloat(y + c, V::divide(V::loadFloat(x + c), power));
      } else {
        V::storeFloats(y + c, V::divide(V::loadFloats(x + c, left), power), left);
      }
    }
  }
}

template <typename V>
inline typename V::Double foldVectors(FoldKind kind, typename V::Double a, typename V::Double b) {
  if (kind == FoldKind::kSum) return V::addDouble(a, b);
  return kind == FoldKind::kMax ? V::maxDouble(a, b) : V::minDouble(a, b);
}

inline double foldOne(FoldKind kind, double value, double x) {
  if (kind == FoldKind::kSum) return value + x;
  const bool takes = kind == FoldKind::kMax ? x > value : x < value;
  return takes || x != x ? x : value;
}

template <typename V, FoldKind kind>
inline void foldRowOf(const FoldArgs& args) {
  using Double = typename V::Double;
  constexpr size_t n = V::kDoubles;
  // A maximum or minimum may be taken into account more than once, a sum may not.
  const Double start = V::setDouble(kind == FoldKind::kSum ? 0 : args.values[0]);
  Double parts[4] = {start, start, start, start};
  size_t i = 0;
  for (; i + 4 * n <= args.count; i += 4 * n) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) {
      parts[j] = foldVectors<V>(kind, parts[j], V::loadDoubles(args.x + i + j * n));
    }
  }
  for (; i + n <= args.count; i += n) {
    parts[0] = foldVectors<V>(kind, parts[0], V::loadDoubles(args.x + i));
  }
  parts[0] = foldVectors<V>(kind, foldVectors<V>(kind, parts[0], parts[1]),
                            foldVectors<V>(kind, parts[2], parts[3]));
  double lanes[n];
  V::storeDouble(lanes, parts[0]);
  double value = args.values[0];
  for (double lane : lanes) value = foldOne(kind, value, lane);
  for (; i < args.count; ++i) value = foldOne(kind, value, args.x[i]);
  args.values[0] = value;
}

template <typename V, FoldKind kind>
inline void foldColumnsOf(const FoldArgs& args) {
  constexpr size_t n = V::kDoubles;
  size_t i = 0;
  for (; i + n <= args.count; i += n) {
    const auto value = V::loadDouble(args.values + i);
    V::storeDouble(args.values + i, foldVectors<V>(kind, value, V::loadDoubles(args.x + i)));
  }
  for (; i < args.count; ++i) args.values[i] = foldOne(kind, args.values[i], args.x[i]);
}

template <typename V>
inline void foldRow(const FoldArgs& args) {
  if (args.kind == FoldKind::kSum) return foldRowOf<V, FoldKind::kSum>(args);
  if (args.kind == FoldKind::kMax) return foldRowOf<V, FoldKind::kMax>(args);
  foldRowOf<V, FoldKind::kMin>(args);
}

template <typename V>
inline void foldColumns(const FoldArgs& args) {
  if (args.kind == FoldKind::kSum) return foldColumnsOf<V, FoldKind::kSum>(args);
  if (args.kind == FoldKind::kMax) return foldColumnsOf<V, FoldKind::kMax>(args);
  foldColumnsOf<V, FoldKind::kMin>(args);
}

}  // namespace
}  // namespace octavo
