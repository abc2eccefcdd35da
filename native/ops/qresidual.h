// The residual of a QConv: codes of another tensor of the shape of y, which kernels add to those of
// the product as they store them.
#pragma once

#include "native/kernels/dot/dot.h"
#include "native/ops/check.h"

namespace octavo {

struct QResidual {
  bool present = false;
  TensorInfo tensor{};
  DotSum sum{};
};

// The residual of a QConv step with results y, where it has one.
Status takeQResidual(const StepView& step, const TensorInfo& y, QResidual* residual);

}  // namespace octavo
