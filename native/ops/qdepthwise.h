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
                                  const PrepareContext&, std::unique_ptr<PreparedStep>*);

  // What only the form knows. False if windows reach too far for it.
  virtual bool prepareForm() = 0;

  // Points `args` to a block's operands.
  void selectBlock(const ChannelBlock& block, DepthwiseArgs* args) const;

  Window window;
  BlockLayout layout;
  PackedBuffer weights;
  AlignedBuffer tables;   // bias and multiplier, each of layout.positions
  AlignedBuffer padding;  // one pixel of zero points
  DepthwiseArgs base{};
  TensorInfo x, y;
};

std::unique_ptr<QDepthwiseStep> makeQDepthwiseTaps();
std::unique_ptr<QDepthwiseStep> makeQDepthwiseRows();

}  // namespace octavo
