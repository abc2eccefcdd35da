// What the two forms of Conv share: dense and grouped convolutions (conv.cc) and depthwise ones
// (depthwise.cc).
#pragma once

#include "native/ops/check.h"
#include "native/ops/window.h"

namespace octavo {

// The tensors of a Conv step, checked against each other; bias is null where absent.
struct ConvOperands {
  const TensorInfo *x, *weight, *bias, *y;
  int64_t groups;
  float lower, upper;
  int64_t yFirst;  // the channel of y that is the first
  Window window;
};

// Groups of one channel in and one channel out.
bool isDepthwise(const ConvOperands& operands);

Status prepareDepthwise(const ConvOperands& operands, const PrepareContext& context,
                        std::unique_ptr<PreparedStep>* prepared);

}  // namespace octavo
