#include "native/pack/blocks.h"

#include <algorithm>
#include <cstring>

#include "native/kernels/dot/dot.h"

namespace octavo {
namespace {

size_t divideUp(size_t a, size_t b) { return (a + b - 1) / b; }

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
  for (size_t n : {positions, kernelH, kernelW, layers}) text += ' ' + std::to_string(n);
  return text + ' ' + (blocks.empty() ? "" : blocks[0].kernel->name);
}

int64_t BlockLayout::cellAt(size_t i) const {
  if (form == DepthwiseForm::kRows) {
    // The fourth pixel belongs to the neighbouring output's window.
    return static_cast<int64_t>(i / 4 * kernelW + i % 4);
  }
  const size_t cells = kernelH * kernelW;
  return i < cells * layers ? static_cast<int64_t>(i % cells) : -1;
}

BlockLayout layoutBlocks(Isa isa, size_t channels, size_t kernelH, size_t kernelW, bool neighbours,
                         const int8_t* weight, const int32_t* weightZero,
                         const DepthwiseKernel* forced) {
  const auto choose = [&](DepthwiseForm form, size_t left) {
    if (forced == nullptr) return chooseDepthwise(isa, form, left);
    return forced->form == form ? forced : nullptr;
  };
  BlockLayout layout{DepthwiseForm::kTaps, kernelH, kernelW, 1, 0, 0, 0, {}};
  const size_t cells = kernelH * kernelW;
  const bool wide =
      (forced == nullptr ? chooseDepthwise(isa, DepthwiseForm::kTaps, channels) : forced)
          ->weightBytes == 2;
  for (size_t i = 0; i < channels * cells && !wide; ++i) {
    layout.layers = std::max(layout.layers, layersOf(centred(weight, weightZero, i, i / cells)));
  }
  const bool rows = neighbours && kernelW == 3 && layout.layers == 1 &&
                    choose(DepthwiseForm::kRows, channels) != nullptr;
  if (rows) layout.form = DepthwiseForm::kRows;
  layout.quads = rows ? kernelH : divideUp(cells * layout.layers, 4);
  const size_t shifts = rows ? 2 : 1;
  for (size_t channel = 0; channel < channels;) {
    const DepthwiseKernel* kernel = choose(layout.form, channels - channel);
    if (kernel == nullptr) break;
    const auto width = static_cast<size_t>(kernel->channels);
    const size_t taken = std::min(width, channels - channel);
    layout.blocks.push_back({kernel, channel, taken, layout.weightBytes, layout.positions});
    layout.weightBytes +=
        layout.quads * shifts * width * 4 * static_cast<size_t>(kernel->weightBytes);
    layout.positions += width;
    channel += taken;
  }
  return layout;
}

AlignedBuffer packBlocks(const BlockLayout& layout, const int8_t* weight,
                         const int32_t* weightZero) {
  AlignedBuffer packed(layout.weightBytes);
  const size_t cells = layout.kernelH * layout.kernelW;
  const bool rows = layout.form == DepthwiseForm::kRows;
  for (const ChannelBlock& block : layout.blocks) {
    uint8_t* out = packed.data() + block.weights;
    const auto width = static_cast<size_t>(block.kernel->channels);
    const auto lanes = static_cast<size_t>(block.kernel->lanes);
    // Entry t of a quad, for channel c of the block.
    const auto weightAt = [&](size_t quad, size_t shift, size_t t, size_t c) {
      size_t cell = 3 * quad + t - shift, layer = 0;
      if (rows && (t < shift || t - shift >= 3)) return 0;
      if (!rows) {
        if (4 * quad + t >= cells * layout.layers) return 0;
        cell = (4 * quad + t) % cells;
        layer = (4 * quad + t) / cells;
      }
      const size_t channel = block.channel + c;
      const int32_t value = centred(weight, weightZero, channel * cells + cell, channel);
      return block.kernel->weightBytes == 2 ? value : part(value, layer);
    };
    for (size_t quad = 0; quad < layout.quads; ++quad) {
      for (size_t shift = 0; shift < (rows ? 2u : 1u); ++shift) {
        for (size_t p = 0; p < width; ++p) {
          const auto c = static_cast<size_t>(
              panelColumn(static_cast<int>(p), static_cast<int>(width), static_cast<int>(lanes)));
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
        out += width * 4 * static_cast<size_t>(block.kernel->weightBytes);
      }
    }
  }
  return packed;
}

}  // namespace octavo
