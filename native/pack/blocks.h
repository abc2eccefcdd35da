// Weights as the depthwise kernels read them: channels cut into blocks, taps into quads.
// kernels/depthwise/depthwise.h tells the layout of a block.
//
// A weight less its zero point may not fit int8. It is then the sum of up to three that do, each a
// tap of its own that reads the same pixel: `layers`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "native/kernels/depthwise/depthwise.h"
#include "native/pack/store.h"

namespace octavo {

struct ChannelBlock {
  const DepthwiseKernel* kernel;
  size_t channel;   // first channel
  size_t channels;  // how many are real
  size_t weights;   // where it begins, in bytes
  size_t position;  // where it begins in the tables
};

struct BlockLayout {
  DepthwiseForm form;
  size_t kernelH, kernelW, layers;
  size_t shifts;    // outputs that share a cell; 1 for kTaps
  size_t rowQuads;  // of kRows: quads of a row of the window
  size_t quads;
  size_t weightBytes, positions;
  std::vector<ChannelBlock> blocks;

  std::string name() const;
  // Of kTaps: the window's cell that entry i of the quads reads; -1 where there is none.
  int64_t cellAt(size_t i) const;
};

// weightZero may be null. `shifts`: 2 or 1 for windows that kRows computes, of stride 1 or 2; 0 for
// others. `forced`: the kernel of all blocks, or null to choose; the layout has no blocks if the
// window does not fit it.
BlockLayout layoutBlocks(Isa isa, size_t channels, size_t kernelH, size_t kernelW, size_t shifts,
                         const int8_t* weight, const int32_t* weightZero,
                         const DepthwiseKernel* forced);

// Packs weight [channels][kernelH][kernelW].
AlignedBuffer packBlocks(const BlockLayout& layout, const int8_t* weight,
                         const int32_t* weightZero);

}  // namespace octavo
