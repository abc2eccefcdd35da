// What the two forms of depthwise QConv share (kernels/depthwise/depthwise.h): operands in the
// order in which the blocks of channels read them.
#pragma once

#include <cstdint>
#include <memory>

#include "native/kernels/depthwise/depthwise.h"
#include "native/ops/qconv.h"
#include "native/pack/blocks.h"

namespace octavo {

class QDepthwiseStep : public PreparedStep {
 protected:
  friend Status prepareQDepthwise(const QConvOperands&, const QConvParams&, const Window&,
                                  const QTerms&, const PrepareContext&,
                                  std::unique_ptr<PreparedStep>*);

  // What only the form knows. False if windows reach too far for it.
  virtual bool prepareForm() = 0;

  // Where the results of a pixel of y begin.
  uint8_t* resultsOf(const RunContext& context, size_t pixel) const {
    return context.out<uint8_t>(y) + pixel * base.yStride + yFirst * elementBytes;
  }

  // Points `args` to a block's operands.
  void selectBlock(const ChannelBlock& block, DepthwiseArgs* args) const;

  Window window;
  BlockLayout layout;
  PackedBuffer weights;
  // Bias, multiplier and addend, each of layout.positions. Where the zero point of x is computed,
  // Σ weight behind them, which that many times is still to be taken from the bias.
  AlignedBuffer tables;
  AlignedBuffer padding;  // one pixel of zero points, where they are known
  DepthwiseArgs base{};
  TensorInfo x, y;
  size_t yFirst = 0, elementBytes = 0;  // the channel of y that is the first, and of an element
  QTerms terms;
};

std::unique_ptr<QDepthwiseStep> makeQDepthwiseTaps();
std::unique_ptr<QDepthwiseStep> makeQDepthwiseRows();

}  // namespace octavo
