#include "native/ops/qresidual.h"

#include <cmath>

#include "native/ops/qbinary.h"

namespace octavo {

Status takeQResidual(const StepView& step, const TensorInfo& y, QResidual* residual) {
  constexpr size_t kInput = 5;
  const TensorInfo* tensor = inputAt(step, kInput);
  if (tensor == nullptr) return {};
  if (y.type != DataType::kUint8 || tensor->type != DataType::kUint8 || !sameDims(*tensor, y)) {
    return badStep("a residual must be uint8 and have the shape of y, which is uint8 too");
  }
  const auto& params = step.as<QConvParams>();
  QBinaryArgs sum{};
  sum.aZero = params.codeZero;
  sum.bZero = params.residualZero;
  sum.aMultiplier = params.codeMultiplier;
  sum.bMultiplier = params.residualMultiplier;
  sum.zero = params.yZero;
  sum.min = params.min;
  sum.max = params.max;
  OCTAVO_RETURN_IF_ERROR(checkQBinary(sum));
  for (float multiplier : {sum.aMultiplier, sum.bMultiplier}) {
    if (!(std::fabs(multiplier) <= kMostSumMultiplier)) {
      return badStep("a multiplier of a residual's sum is beyond 2^20");
    }
  }
  if (!isUint8Range(params.codeZero, params.codeMin, params.codeMax)) {
    return badStep("zero points and bounds of uint8 must lie in 0 ... 255");
  }
  residual->present = true;
  residual->tensor = *tensor;
  residual->sum = {params.residualZero,
                   params.codeMultiplier,
                   params.residualMultiplier,
                   params.yZero,
                   params.min,
                   params.max};
  return {};
}

}  // namespace octavo
