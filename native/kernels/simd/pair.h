// Two vectors as one, and pairs of pairs: a vocabulary for functions of which each operation waits
// for the one before. While one vector waits, the others go on; the bits are the same.
#pragma once

#include <stddef.h>

#include "native/kernels/simd/attributes.h"

namespace octavo {
namespace {

template <typename V>
struct Pair {
  struct Float {
    typename V::Float a, b;
  };
  struct Int {
    typename V::Int a, b;
  };
  struct Mask {
    decltype(V::isNan(typename V::Float())) a, b;
  };
  static constexpr int kWords = 2 * V::kWords;

  static OCTAVO_INLINE Float loadFloat(const float* p) {
    return {V::loadFloat(p), V::loadFloat(p + V::kWords)};
  }
  static OCTAVO_INLINE void storeFloat(float* p, Float v) {
    V::storeFloat(p, v.a);
    V::storeFloat(p + V::kWords, v.b);
  }
  static OCTAVO_INLINE Float setFloat(float v) { return {V::setFloat(v), V::setFloat(v)}; }
  static OCTAVO_INLINE Int set32(int v) { return {V::set32(v), V::set32(v)}; }
  static OCTAVO_INLINE Float fromBits(Int v) { return {V::fromBits(v.a), V::fromBits(v.b)}; }

  static OCTAVO_INLINE Float add(Float x, Float y) { return {V::add(x.a, y.a), V::add(x.b, y.b)}; }
  static OCTAVO_INLINE Float subtract(Float x, Float y) {
    return {V::subtract(x.a, y.a), V::subtract(x.b, y.b)};
  }
  static OCTAVO_INLINE Float multiply(Float x, Float y) {
    return {V::multiply(x.a, y.a), V::multiply(x.b, y.b)};
  }
  static OCTAVO_INLINE Float multiplyAdd(Float x, Float y, Float z) {
    return {V::multiplyAdd(x.a, y.a, z.a), V::multiplyAdd(x.b, y.b, z.b)};
  }
  static OCTAVO_INLINE Float divide(Float x, Float y) {
    return {V::divide(x.a, y.a), V::divide(x.b, y.b)};
  }
  static OCTAVO_INLINE Float min(Float x, Float y) { return {V::min(x.a, y.a), V::min(x.b, y.b)}; }
  static OCTAVO_INLINE Float max(Float x, Float y) { return {V::max(x.a, y.a), V::max(x.b, y.b)}; }
  static OCTAVO_INLINE Float round(Float v) { return {V::round(v.a), V::round(v.b)}; }
  static OCTAVO_INLINE Float absolute(Float v) { return {V::absolute(v.a), V::absolute(v.b)}; }
  static OCTAVO_INLINE Float negate(Float v) { return {V::negate(v.a), V::negate(v.b)}; }
  static OCTAVO_INLINE Float withSign(Float x, Float y) {
    return {V::withSign(x.a, y.a), V::withSign(x.b, y.b)};
  }

  static OCTAVO_INLINE Mask isLess(Float x, Float y) {
    return {V::isLess(x.a, y.a), V::isLess(x.b, y.b)};
  }
  static OCTAVO_INLINE Mask isNan(Float v) { return {V::isNan(v.a), V::isNan(v.b)}; }
  static OCTAVO_INLINE Float select(Mask mask, Float yes, Float no) {
    return {V::select(mask.a, yes.a, no.a), V::select(mask.b, yes.b, no.b)};
  }

  static OCTAVO_INLINE Float scale(Float v, Float n) {
    return {V::scale(v.a, n.a), V::scale(v.b, n.b)};
  }
  static OCTAVO_INLINE Float scaleNormal(Float v, Float n) {
    return {V::scaleNormal(v.a, n.a), V::scaleNormal(v.b, n.b)};
  }
  static OCTAVO_INLINE Float scaleDown(Float v, Float n) {
    return {V::scaleDown(v.a, n.a), V::scaleDown(v.b, n.b)};
  }
  static OCTAVO_INLINE void split(Float v, Float& fraction, Float& exponent) {
    V::split(v.a, fraction.a, exponent.a);
    V::split(v.b, fraction.b, exponent.b);
  }
};

// Four vectors.
template <typename V>
using Four = Pair<Pair<V>>;

}  // namespace
}  // namespace octavo
