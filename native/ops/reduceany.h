// Reductions of integers and float64: see ops/reduceany.cc. Float32 has the step's own kernels.
#pragma once

#include "native/ops/op.h"
#include "native/ops/walk.h"

namespace octavo {

enum class ReduceKind : int32_t { kSum, kMean, kMax, kMin, kProd, kCount };

// The axes of a reduction, walked apart: those that are kept and those that are reduced.
struct ReduceAxes {
  TensorInfo x, y;
  Walk<1> kept, reduced;

  int64_t depth() const { return y.count == 0 ? 0 : x.count / y.count; }
};

// Null for a type that is no number.
std::unique_ptr<PreparedStep> makeReduceAny(const ReduceAxes& axes, ReduceKind kind);

}  // namespace octavo
