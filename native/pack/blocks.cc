#include "native/pack/blocks.h"

#include <algorithm>
#include <cstring>

#include "native/round.h"

namespace octavo {
namespace {

int32_t centred(const int8_t* weight, const int32_t* weightZero, size_t i, size_t channel) {
  return weight[i] - (weightZero == nullptr ? 0 : weightZero[channel]);
}

// Layer `layer` of a value that takes several int8.
int32_t part(int32_t value, size_t layer) {
  for (; layer > 0; --layer) value -= std::clamp(value, -128, 127);
  return std::clamp(value, -128, 127);
}

size_t layersOf(int32_t value) {
  return value >= 0 ? divideUp(static_cast<size_t>(value), 127)
                    : divideUp(static_cast<size_t>(-value), 128);
}

}  // namespace

std::string BlockLayout::name() const {
  std::string text = "depthwise";
  for (size_t n : {positions, kernelH, kernelW, layers, shifts}) text += ' ' + std::to_string(n);
  return text + ' ' + (blocks.empty() ? "" : blocks[0].kernel->name);
}

int64_t BlockLayout::cellAt(size_t i) const {
  const size_t cells = kernelH * kernelW;
  return i < cells * layers ? static_cast<int64_t>(i % cells) : -1;
}

BlockLayout layoutBlocks(Isa isa, size_t channels, size_t kernelH, size_t kernelW, size_t shifts,
                         const int8_t* weight, const int32_t* weightZero,
                         const DepthwiseKernel* forced) {
  const auto choose = [&](DepthwiseForm form, size_t left) {
    if (forced == nullptr) return chooseDepthwise(isa, form, left);
    return forced->form == form ? forced : nullptr;
  };
  BlockLayout layout{DepthwiseForm::kTaps, kernelH, kernelW, 1, 1, 0, 0, 0, 0, {}};
  const size_t cells = kernelH * kernelW;
  const bool wide =
      (forced == nullptr ? chooseDepthwise(isa, DepthwiseForm::kTaps, channels) : forced)
          ->weightBytes == 2;
  for (size_t i = 0; i < channels * cells && !wide; ++i) {
    layout.layers = std::max(layout.layers, layersOf(centred(weight, weightZero, i, i / cells)));
  }
  if (shifts > 0 && choose(DepthwiseForm::kRows, channels) != nullptr) {
    layout.form = DepthwiseForm::kRows;
    layout.shifts = shifts;
    layout.rowQuads = divideUp(kernelW + shifts - 1, 4);
    layout.quads = layout.layers * kernelH * layout.rowQuads;
  } else {
    layout.quads = divideUp(cells * layout.layers, 4);
  }
  for (size_t channel = 0; channel < channels;) {
    const DepthwiseKernel* kernel = choose(layout.form, channels - channel);
    if (kernel == nullptr) break;
    const size_t positions = kernel->positions();
    const size_t taken = std::min(static_cast<size_t>(kernel->channels), channels - channel);
    layout.blocks.push_back({kernel, channel, taken, layout.weightBytes, layout.positions});
    layout.weightBytes +=
        layout.quads * layout.shifts * positions * 4 * static_cast<size_t>(kernel->weightBytes);
    layout.positions += positions;
    channel += taken;
  }
  return layout;
}

AlignedBuffer packBlocks(const BlockLayout& layout, const int8_t* weight,
                         const int32_t* weightZero) {
  AlignedBuffer packed(layout.weightBytes, Pages::kShared);
  const size_t cells = layout.kernelH * layout.kernelW;
  const bool rows = layout.form == DepthwiseForm::kRows;
  for (const ChannelBlock& block : layout.blocks) {
    uint8_t* out = packed.data() + block.weights;
    const size_t positions = block.kernel->positions();
    const auto lanes = static_cast<size_t>(block.kernel->lanes);
    // Entry t of a quad, for channel c of the block.
    const auto weightAt = [&](size_t quad, size_t shift, size_t t, size_t c) {
      size_t cell = 4 * quad + t, layer = 0;
      if (rows) {
        const size_t column = quad % layout.rowQuads * 4 + t - shift;
        if (column >= layout.kernelW) return 0;  // or less than 0
        const size_t row = quad / layout.rowQuads;
        layer = row / layout.kernelH;
        cell = row % layout.kernelH * layout.kernelW + column;
      } else {
        layer = cell / cells;
        cell %= cells;
        if (layer >= layout.layers) return 0;
      }
      const size_t channel = block.channel + c;
      const int32_t value = centred(weight, weightZero, channel * cells + cell, channel);
      return block.kernel->weightBytes == 2 ? value : part(value, layer);
    };
    for (size_t quad = 0; quad < layout.quads; ++quad) {
      for (size_t shift = 0; shift < layout.shifts; ++shift) {
        for (size_t p = 0; p < positions; ++p) {
          const size_t c = block.kernel->channelAt(p);
          if (c >= block.channels) continue;
          for (size_t t = 0; t < 4; ++t) {
            const int32_t value = weightAt(quad, shift, t, c);
            if (block.kernel->weightBytes == 1) {
              out[4 * p + t] = static_cast<uint8_t>(value);
            } else {
              // Vectors of pairs (w0, w2) and (w1, w3) take turns.
              const size_t words = 4 * lanes, vector = 2 * (p / words) + t % 2;
              const auto word = static_cast<int16_t>(value);
              std::memcpy(out + (vector * words + p % words) * 4 + t / 2 * 2, &word, sizeof word);
            }
          }
        }
        out += positions * 4 * static_cast<size_t>(block.kernel->weightBytes);
      }
    }
  }
  return packed;
}

}  // namespace octavo
