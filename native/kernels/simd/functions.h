// Exponentials, logarithms and what is made of them, on vectors of float32: within a few units in
// the last place over the whole range, infinities, subnormals and NaN included. The polynomials are
// minimax fits of our own, made for the interval and the error weight that each one's comment
// tells.
#pragma once

#include <stdint.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename V>
struct Functions {
  using Float = typename V::Float;

  static OCTAVO_INLINE Float constant(float v) { return V::setFloat(v); }
  static OCTAVO_INLINE Float special(int32_t bits) { return V::fromBits(V::set32(bits)); }
  // c[0] + c[1] x + c[2] x² ...
  template <int n>
  static OCTAVO_INLINE Float polynomial(const float (&c)[n], Float x) {
    Float value = constant(c[n - 1]);
#pragma GCC unroll 8
    for (int i = n - 2; i >= 0; --i) value = V::multiplyAdd(value, x, constant(c[i]));
    return value;
  }

  static OCTAVO_INLINE Float exponential(Float x) {
    // Beyond these everything is 0 or infinite. NaN comes through as the second operand.
    x = V::min(constant(89), V::max(constant(-104), x));
    const Reduced r = reduce(x);
    return V::scale(V::add(constant(1), r.minusOne), r.n);
  }

  // e^x for x up to 0; within two units in the last place for x from -20 on, and four below.
  static OCTAVO_INLINE Float exponentialUpToOne(Float x) {
    x = V::max(constant(-104), x);
    const Float n = V::round(V::multiply(x, constant(1.4426950408889634f)));
    const Float r = V::multiplyAdd(n, constant(-kLn2High), x);
    // e^r for |r| up to ln 2 / 2.
    const float p[] = {1, 0.999999702f, 0.499991477f, 0.166676536f, 0.0418981798f, 0.0082892077f};
    return V::scaleDown(polynomial(p, r), n);
  }

  // e^x - 1 for x from -80 to 80.
  static OCTAVO_INLINE Float exponentialMinusOne(Float x) {
    const Reduced r = reduce(x);
    const Float scale = V::scaleNormal(constant(1), r.n);
    return V::multiplyAdd(scale, r.minusOne, V::subtract(scale, constant(1)));
  }

  static OCTAVO_INLINE Float logarithm(Float x) {
    const Float smallest = constant(0x1p-126f);
    const typename V::Mask tiny = V::isLess(x, smallest);
    Float m, e;
    V::split(V::select(tiny, V::multiply(x, constant(0x1p25f)), x), m, e);
    e = V::subtract(e, V::select(tiny, constant(25), constant(0)));
    // log(1 + f) = f - (f²/2 - s (f²/2 + R)), s = f / (2 + f), R = z P(z), z = s² < 0.0295.
    const Float f = V::subtract(m, constant(1));
    const Float s = V::divide(f, V::add(constant(2), f)), z = V::multiply(s, s);
    const float p[] = {0.6666666f, 0.40000337f, 0.2853717f, 0.23584992f};
    const Float r = V::multiply(z, polynomial(p, z));
    const Float half = V::multiply(V::multiply(constant(0.5f), f), f);
    const Float low =
        V::subtract(V::multiplyAdd(e, constant(kLn2Low), V::multiply(s, V::add(half, r))), half);
    const Float log = V::multiplyAdd(e, constant(kLn2High), V::add(low, f));
    // 0, what is below it, infinity and NaN.
    const Float nan = special(0x7fc00000), infinity = special(0x7f800000);
    const Float zero = V::select(V::isLess(x, constant(0)), nan, V::negate(infinity));
    const Float ordinary = V::select(V::isLess(x, infinity), log, x);
    return V::select(V::isLess(constant(0), x), ordinary, V::select(V::isNan(x), x, zero));
  }

  // log(1 + x) for x from 0 to 1: 2s + s z P(z), s = x / (2 + x), z = s² up to 1/9.
  static OCTAVO_INLINE Float logarithmOfOnePlus(Float x) {
    const Float s = V::divide(x, V::add(constant(2), x)), z = V::multiply(s, s);
    const float p[] = {0.6666667f, 0.40000054f, 0.28568384f, 0.22301714f, 0.1714593f, 0.21798772f};
    const Float twice = V::add(s, s);
    return V::multiplyAdd(V::multiply(s, z), polynomial(p, z), twice);
  }

  static OCTAVO_INLINE Float sigmoid(Float x) {
    const Float e = exponential(V::negate(V::absolute(x)));
    return V::divide(V::select(V::isLess(x, constant(0)), e, constant(1)), V::add(constant(1), e));
  }

  // From 9.02 on the nearest float32 is 1.
  static OCTAVO_INLINE Float hyperbolicTangent(Float x) {
    const Float a = V::min(constant(10), V::absolute(x));
    const Float t = exponentialMinusOne(V::add(a, a));
    return V::withSign(V::divide(t, V::add(t, constant(2))), x);
  }

  static OCTAVO_INLINE Float errorFunction(Float x) {
    const Float a = V::min(constant(4.2f), V::absolute(x));
    // erf(a) / a in a², up to a = 1.
    const float near[] = {1.1283791f,    -0.37612626f,    0.112835854f, -0.026853813f,
                          0.0051883277f, -0.00080101955f, 7.853867e-05f};
    const Float low = V::multiply(a, polynomial(near, V::multiply(a, a)));
    // log(1 - erf(a)), negated, from 1 on.
    const float far[] = {-5.1552242e-06f, 1.1287769f,    0.6346858f,      0.10697002f,
                         -0.024373574f,   0.0039241686f, -0.00039048138f, 1.784303e-05f};
    const Float high = V::subtract(constant(1), exponential(V::negate(polynomial(far, a))));
    return V::withSign(V::select(V::isLess(a, constant(1)), low, high), x);
  }

  // log(1 + e^x), its larger part taken out.
  static OCTAVO_INLINE Float softplus(Float x) {
    const Float e = exponential(V::negate(V::absolute(x)));
    return V::add(V::max(constant(0), x), logarithmOfOnePlus(e));
  }

  // max(x, 0) - h erfc(√2 h), h = |x| / 2: no digits cancel. log2(erfc(√2 h)) / h is a polynomial
  // to within what h erfc(√2 h) < 0.09 needs; from h = 6.4 on the product is less than 2^-119, and
  // nothing next to x.
  static OCTAVO_INLINE Float gelu(Float x) {
    const Float half = V::multiply(constant(0.5f), x), h = V::absolute(half);
    const Float near = V::min(constant(6.4f), h);
    const float p[] = {-2.30225539f, -1.83600736f,   -0.424841732f,
                       0.126170814f, -0.0227524079f, 0.00170070317f};
    const Float power = V::multiply(near, polynomial(p, near));
    // -2^r for |r| up to 1/2.
    const float q[] = {
        -1, -0.693147004f, -0.240222424f, -0.0555073358f, -0.00967151299f, -0.00132647273f};
    const Float n = V::round(power), r = V::subtract(power, n);
    const Float tail = V::scaleNormal(polynomial(q, r), n);
    // Infinity less infinity is NaN, as x / 2 · (1 + erf(x / √2)) is.
    return V::multiplyAdd(near, tail, V::add(half, h));
  }
  // Below -9 it is less than what a float32 near 1 can tell, above 9 it is x.
  static OCTAVO_INLINE Float geluTanh(Float x) {
    const Float square = V::multiply(x, x);
    const Float inner =
        V::multiply(x, V::multiplyAdd(square, constant(0.035677408f), constant(0.79788458f)));
    const Float half = V::multiply(constant(0.5f), x);
    return V::multiplyAdd(half, hyperbolicTangent(inner), half);
  }

 private:
  // ln 2 in two parts, and e^x = 2^n (1 + minusOne).
  static constexpr float kLn2High = 0.69314718246459961f;
  static constexpr float kLn2Low = -1.9046542121259336e-09f;
  struct Reduced {
    Float n, minusOne;
  };

  static OCTAVO_INLINE Reduced reduce(Float x) {
    const Float n = V::round(V::multiply(x, constant(1.4426950408889634f)));
    Float r = V::multiplyAdd(n, constant(-kLn2High), x);
    r = V::multiplyAdd(n, constant(-kLn2Low), r);
    // (e^r - 1 - r) / r² for |r| up to ln 2 / 2, weighted so that e^r - 1 is right relative to
    // itself.
    const float p[] = {0.5f, 0.1666654f, 0.041666273f, 0.008366911f, 0.0013947017f};
    return {n, V::multiplyAdd(V::multiply(r, r), polynomial(p, r), r)};
  }
};

}  // namespace
}  // namespace octavo
