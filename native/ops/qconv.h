// What the two ways to compute a QConv share: its tensors, checked, and the choice between them.
#pragma once

#include <cstdint>
#include <memory>

#include "native/ops/window.h"

namespace octavo {

// The tensors of the step, checked against each other; optional ones are null where absent.
struct QConvOperands {
  const TensorInfo *x, *weight, *y;
  const int8_t* weights;      // [O][KH][KW][C / groups]
  const int32_t* bias;        // [O]
  const float* multiplier;    // [O]
  const int32_t* weightZero;  // [O]
};

// The step as a depthwise convolution; null where it is none: one input and output channel a
// group, uint8 results, and windows that don't reach far. Fails where a forced kernel doesn't fit.
Status prepareQDepthwise(const QConvOperands& from, const QConvParams& params, const Window& window,
                         const PrepareContext& context, std::unique_ptr<PreparedStep>* prepared);

}  // namespace octavo
