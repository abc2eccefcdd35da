// The kernels of the family as templates over a vector vocabulary V (kernels/simd).
#pragma once

#include "native/kernels/elementwise/elementwise.h"
#include "native/kernels/simd/codes.h"
#include "native/kernels/simd/requantize.h"

namespace octavo {
namespace {

// An operand's bytes as four vectors of what a sum or product is made of.
template <typename Op>
OCTAVO_INLINE void takeBytes(typename Op::V::Int bytes, const typename Op::Side& side,
                             typename Op::V::Float* values) {
  side.codes.take(bytes, values);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) values[j] = Op::take(values[j], side);
}

template <typename Vector>
struct Add {
  using V = Vector;
  struct Side {
    Side(int32_t zero, float m) : codes(zero), multiplier(V::setFloat(m)) {}
    Codes<V> codes;
    typename V::Float multiplier;
  };
  explicit Add(const QBinaryArgs& args)
      : a(args.aZero, args.aMultiplier), b(args.bZero, args.bMultiplier) {}
  static OCTAVO_INLINE typename V::Float take(typename V::Float x, const Side& side) {
    return V::multiply(x, side.multiplier);
  }
  OCTAVO_INLINE typename V::Float combine(typename V::Float x, typename V::Float y) const {
    return V::add(x, y);
  }
  Side a, b;
};

template <typename Vector>
struct Multiply {
  using V = Vector;
  struct Side {
    explicit Side(int32_t zero) : codes(zero) {}
    Codes<V> codes;
  };
  explicit Multiply(const QBinaryArgs& args)
      : a(args.aZero), b(args.bZero), multiplier(V::setFloat(args.aMultiplier)) {}
  static OCTAVO_INLINE typename V::Float take(typename V::Float x, const Side&) { return x; }
  // The product of two nine-bit integers is exact in float32.
  OCTAVO_INLINE typename V::Float combine(typename V::Float x, typename V::Float y) const {
    return V::multiply(V::multiply(x, y), multiplier);
  }
  Side a, b;
  typename V::Float multiplier;
};

template <typename Op, bool aIsVector, bool bIsVector>
inline void combineForm(const QBinaryArgs& given) {
  using V = typename Op::V;
  const QBinaryArgs args = given;
  const Op op(args);
  const Requantize<V> to(args.zero, args.min, args.max);
  typename V::Float a[4], b[4];
  if (!aIsVector) takeBytes<Op>(V::set8(*args.a), op.a, a);
  if (!bIsVector) takeBytes<Op>(V::set8(*args.b), op.b, b);
  const auto four = [&]() {
    typename V::Int q[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) q[j] = to.round(op.combine(a[j], b[j]));
    return to.pack(q[0], q[1], q[2], q[3]);
  };
  size_t i = 0;
  for (; i + V::kBytes <= args.count; i += V::kBytes) {
    if (aIsVector) takeBytes<Op>(V::load(args.a + i), op.a, a);
    if (bIsVector) takeBytes<Op>(V::load(args.b + i), op.b, b);
    V::store(args.y + i, four());
  }
  if (const size_t rest = args.count - i; rest > 0) {
    if (aIsVector) takeBytes<Op>(V::loadFirst(args.a + i, rest), op.a, a);
    if (bIsVector) takeBytes<Op>(V::loadFirst(args.b + i, rest), op.b, b);
    V::storeFirst(args.y + i, four(), rest);
  }
}

template <typename Op>
inline void combine(const QBinaryArgs& args) {
  if (!args.bIsVector) {
    combineForm<Op, true, false>(args);
  } else if (!args.aIsVector) {
    combineForm<Op, false, true>(args);
  } else {
    combineForm<Op, true, true>(args);
  }
}

}  // namespace
}  // namespace octavo
