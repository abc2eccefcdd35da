// The kernels as templates over a vector vocabulary V (kernels/simd).
#pragma once

#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/kernels/simd/functions.h"
#include "native/kernels/simd/pair.h"

namespace octavo {

// For the functions that vectors don't help, or that are too rare to be worth any.
void unary_f32_portable(const UnaryArgs& args);
void binary_f32_portable(const BinaryArgs& args);

namespace {

template <typename V, typename Function>
inline void mapVectors(const UnaryArgs& args, Function function) {
  const float* x = args.x;
  float* y = args.y;
  const size_t count = args.count;
  size_t i = 0;
  for (; i + V::kWords <= count; i += V::kWords) {
    V::storeFloat(y + i, function(V::loadFloat(x + i)));
  }
  if (i < count) {
    V::storeFloats(y + i, function(V::loadFloats(x + i, count - i)), count - i);
  }
}

// function(Functions<W>(), x) for vectors x of a vocabulary W: four at a time, and then V's.
template <typename V, typename Function>
inline void mapFunction(const UnaryArgs& args, Function function) {
  using W = Four<V>;
  const size_t whole = args.count / W::kWords * W::kWords;
  for (size_t i = 0; i < whole; i += W::kWords) {
    W::storeFloat(args.y + i, function(Functions<W>(), W::loadFloat(args.x + i)));
  }
  UnaryArgs rest = args;
  rest.x += whole;
  rest.y += whole;
  rest.count -= whole;
  mapVectors<V>(rest, [=](typename V::Float x) { return function(Functions<V>(), x); });
}

template <typename V>
inline void unary(const UnaryArgs& args) {
  using Float = typename V::Float;
  using F = Functions<V>;
  const Float alpha = V::setFloat(args.alpha), beta = V::setFloat(args.beta);
  const Float zero = V::setFloat(0), one = V::setFloat(1);
  // Bounds come first in min and max: the second operand is what comes through where one is NaN.
  switch (args.kind) {
    case UnaryKind::kClip:
      return mapVectors<V>(args, [=](Float x) { return V::min(beta, V::max(alpha, x)); });
    case UnaryKind::kLeakyRelu:
      return mapVectors<V>(
          args, [=](Float x) { return V::select(V::isLess(x, zero), V::multiply(alpha, x), x); });
    case UnaryKind::kSigmoid:
      return mapFunction<V>(args, [](auto f, auto x) { return f.sigmoid(x); });
    case UnaryKind::kHardSigmoid:
      return mapVectors<V>(
          args, [=](Float x) { return V::min(one, V::max(zero, V::multiplyAdd(alpha, x, beta))); });
    case UnaryKind::kHardSwish:
      return mapVectors<V>(args, [=](Float x) {
        const Float part = V::min(V::setFloat(6), V::max(zero, V::add(x, V::setFloat(3))));
        return V::multiply(x, V::multiply(part, V::setFloat(1.0f / 6)));
      });
    case UnaryKind::kTanh:
      return mapFunction<V>(args, [](auto f, auto x) { return f.hyperbolicTangent(x); });
    case UnaryKind::kExp:
      return mapFunction<V>(args, [](auto f, auto x) { return f.exponential(x); });
    case UnaryKind::kLog:
      return mapFunction<V>(args, [](auto f, auto x) { return f.logarithm(x); });
    case UnaryKind::kSqrt:
      return mapVectors<V>(args, [](Float x) { return V::squareRoot(x); });
    case UnaryKind::kNeg:
      return mapVectors<V>(args, [](Float x) { return V::negate(x); });
    case UnaryKind::kAbs:
      return mapVectors<V>(args, [](Float x) { return V::absolute(x); });
    case UnaryKind::kReciprocal:
      return mapVectors<V>(args, [=](Float x) { return V::divide(one, x); });
    case UnaryKind::kErf:
      return mapFunction<V>(args, [](auto f, auto x) { return f.errorFunction(x); });
    case UnaryKind::kFloor:
      return mapVectors<V>(args, [](Float x) { return V::floor(x); });
    case UnaryKind::kCeil:
      return mapVectors<V>(args, [](Float x) { return V::ceil(x); });
    case UnaryKind::kRound:
      return mapVectors<V>(args, [](Float x) { return V::round(x); });
    case UnaryKind::kElu:
      return mapVectors<V>(args, [=](Float x) {
        const Float low = V::max(V::setFloat(-80), V::min(zero, x));
        return V::select(V::isLess(x, zero), V::multiply(alpha, F::exponentialMinusOne(low)), x);
      });
    case UnaryKind::kSoftplus:
      return mapFunction<V>(args, [](auto f, auto x) { return f.softplus(x); });
    case UnaryKind::kGelu:
      return mapFunction<V>(args, [](auto f, auto x) { return f.gelu(x); });
    case UnaryKind::kGeluTanh:
      return mapFunction<V>(args, [](auto f, auto x) { return f.geluTanh(x); });
    case UnaryKind::kSign:
      return mapVectors<V>(args, [=](Float x) {
        const Float below = V::select(V::isLess(x, zero), V::negate(one), x);
        return V::select(V::isLess(zero, x), one, below);
      });
    case UnaryKind::kSin:
    case UnaryKind::kCos:
    case UnaryKind::kTan:
    case UnaryKind::kAsin:
    case UnaryKind::kAcos:
    case UnaryKind::kAtan:
    case UnaryKind::kSinh:
    case UnaryKind::kCosh:
    case UnaryKind::kAsinh:
    case UnaryKind::kAcosh:
    case UnaryKind::kAtanh:
    case UnaryKind::kSoftsign:
    case UnaryKind::kThresholdedRelu:
    case UnaryKind::kAffine:
    case UnaryKind::kScaledTanh:
      return unary_f32_portable(args);
    case UnaryKind::kCount:
      break;
  }
}

template <typename V, typename Function>
inline void combineVectors(const BinaryArgs& args, Function function) {
  using Float = typename V::Float;
  const float *a = args.a, *b = args.b;
  float* y = args.y;
  const size_t count = args.count;
  const auto each = [=](auto left, auto right) {
    size_t i = 0;
    for (; i + V::kWords <= count; i += V::kWords) {
      V::storeFloat(y + i, function(left(i, V::kWords), right(i, V::kWords)));
    }
    if (i < count) {
      V::storeFloats(y + i, function(left(i, count - i), right(i, count - i)), count - i);
    }
  };
  const auto vector = [](const float* p) {
    return [p](size_t i, size_t n) -> Float {
      return n == V::kWords ? V::loadFloat(p + i) : V::loadFloats(p + i, n);
    };
  };
  const auto single = [](const float* p) {
    const Float value = V::setFloat(*p);
    return [value](size_t, size_t) -> Float { return value; };
  };
  if (args.form == BinaryForm::kBoth) return each(vector(a), vector(b));
  if (args.form == BinaryForm::kLeft) return each(vector(a), single(b));
  each(single(a), vector(b));
}

// Powers that are products or a root; false for the others.
template <typename V>
inline bool simplePower(const BinaryArgs& args) {
  using Float = typename V::Float;
  if (args.form != BinaryForm::kLeft) return false;
  const UnaryArgs unary{UnaryKind::kClip, 0, 0, args.a, args.y, args.count};
  if (*args.b == 2) {
    mapVectors<V>(unary, [](Float x) { return V::multiply(x, x); });
  } else if (*args.b == 3) {
    mapVectors<V>(unary, [](Float x) { return V::multiply(V::multiply(x, x), x); });
  } else if (*args.b == 0.5f) {
    // -0 and -infinity, which have roots of their own, become 0 and infinity.
    mapVectors<V>(unary, [](Float x) {
      const Float root = V::squareRoot(V::add(x, V::setFloat(0)));
      return V::select(V::isLess(x, V::setFloat(-3.4028234664e38f)), V::absolute(x), root);
    });
  } else {
    return false;
  }
  return true;
}

template <typename V>
inline void binary(const BinaryArgs& args) {
  using Float = typename V::Float;
  switch (args.kind) {
    case BinaryKind::kAdd:
      return combineVectors<V>(args, [](Float a, Float b) { return V::add(a, b); });
    case BinaryKind::kSub:
      return combineVectors<V>(args, [](Float a, Float b) { return V::subtract(a, b); });
    case BinaryKind::kMul:
      return combineVectors<V>(args, [](Float a, Float b) { return V::multiply(a, b); });
    case BinaryKind::kDiv:
      return combineVectors<V>(args, [](Float a, Float b) { return V::divide(a, b); });
    case BinaryKind::kPow:
      if (!simplePower<V>(args)) binary_f32_portable(args);
      return;
    case BinaryKind::kMin:
      return combineVectors<V>(
          args, [](Float a, Float b) { return V::select(V::isNan(a), a, V::min(a, b)); });
    case BinaryKind::kMax:
      return combineVectors<V>(
          args, [](Float a, Float b) { return V::select(V::isNan(a), a, V::max(a, b)); });
    case BinaryKind::kCount:
      break;
  }
}

}  // namespace
}  // namespace octavo
