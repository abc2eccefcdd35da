// Depthwise QConv: which form computes it, and its operands, packed.
#include "native/ops/qdepthwise.h"

#include <algorithm>
#include <cmath>

namespace octavo {
namespace {

// The operands and their weights, as they are.
struct Filters {
  const QConvOperands& from;
  const int8_t* weights;
  size_t taps;

  int64_t weight(size_t channel, size_t tap) const {
    const int32_t zero = from.weightZero == nullptr ? 0 : from.weightZero[channel];
    return static_cast<int64_t>(weights[channel * taps + tap]) - zero;
  }

  int64_t sum(size_t channel) const {
    int64_t sum = 0;
    for (size_t t = 0; t < taps; ++t) sum += weight(channel, t);
    return sum;
  }

  // What a channel's sums start at: the bias, and the input's zero point taken out.
  int32_t start(int64_t xZero, size_t channel) const {
    const int64_t bias = from.bias == nullptr ? 0 : from.bias[channel];
    return static_cast<int32_t>(static_cast<uint32_t>(bias - xZero * sum(channel)));
  }
};

DepthwiseOutput outputOf(DataType type) {
  return type == DataType::kUint8   ? DepthwiseOutput::kUint8
         : type == DataType::kInt32 ? DepthwiseOutput::kInt32
                                    : DepthwiseOutput::kFloat32;
}

// Whether all sums, and their products with the multiplier, fit int32: kRows takes no others.
bool fitsInt32(const Filters& filters, int64_t xZero, size_t channels) {
  constexpr double kMost = 0x1.fffffep30;
  for (size_t channel = 0; channel < channels; ++channel) {
    double most = std::abs(static_cast<double>(filters.start(xZero, channel)));
    for (size_t t = 0; t < filters.taps; ++t) {
      most += 255 * std::abs(static_cast<double>(filters.weight(channel, t)));
    }
    const double product = most * std::abs(static_cast<double>(filters.from.multiplier[channel]));
    if (!(most < kMost && product < kMost)) return false;
  }
  return true;
}

}  // namespace

void QDepthwiseStep::selectBlock(const ChannelBlock& block, DepthwiseArgs* args) const {
  const auto* bias = reinterpret_cast<const int32_t*>(tables.data());
  args->offset = block.channel;
  args->channels = block.channels;
  args->weights = reinterpret_cast<const int8_t*>(weights->data()) + block.weights;
  args->bias = bias + block.position;
  args->multiplier = reinterpret_cast<const float*>(bias + layout.positions) + block.position;
  if (terms.bias != nullptr) args->addend = args->multiplier + layout.positions;
}

Status prepareQDepthwise(const QConvOperands& from, const QConvParams& params, const Window& window,
                         const QTerms& terms, const PrepareContext& context,
                         std::unique_ptr<PreparedStep>* prepared) {
  *prepared = nullptr;
  const int64_t channels = window.channels;
  if (params.groups != channels || from.weight->dims[0] != channels || channels == 0 ||
      from.y->count == 0 || terms.perPixel) {
    return {};
  }
  const DepthwiseKernel* forced = context.forced.in(findDepthwise);
  if (forced != nullptr) OCTAVO_RETURN_IF_ERROR(checkRunnable(*forced));
  const auto count = static_cast<size_t>(channels), taps = static_cast<size_t>(window.cells());
  const Filters filters{from, from.weights.data(), taps};
  const bool neighbours = from.y->type == DataType::kUint8 && window.w.dilation == 1 &&
                          window.w.stride <= 2 && fitsInt32(filters, params.xZero, count);
  const size_t shifts = neighbours ? 3 - static_cast<size_t>(window.w.stride) : 0;
  BlockLayout layout = layoutBlocks(context.isa, count, static_cast<size_t>(window.h.kernel),
                                    static_cast<size_t>(window.w.kernel), shifts, filters.weights,
                                    from.weightZero, forced);
  if (layout.blocks.empty()) {
    return badKernel(forced->name,
                     "uint8 results of windows with dilation 1, stride 1 or 2 and sums in int32 "
                     "are its own");
  }
  auto step = layout.form == DepthwiseForm::kRows ? makeQDepthwiseRows() : makeQDepthwiseTaps();
  step->window = window;
  step->layout = std::move(layout);
  step->x = *from.x;
  step->y = *from.y;
  step->yFirst = static_cast<size_t>(params.yFirst);
  step->elementBytes = from.y->type == DataType::kUint8 ? 1 : 4;
  step->base.yStride = static_cast<size_t>(from.y->dims[3]) * step->elementBytes;
  step->terms = terms;
  if (!step->prepareForm()) return {};

  const BlockLayout& blocks = step->layout;
  const auto pack = [&] { return packBlocks(blocks, filters.weights, from.weightZero); };
  // Packed together with its zero points, which the store knows nothing of.
  step->weights = from.weightZero == nullptr ? context.packs.get(*from.weight, blocks.name(), pack)
                                             : std::make_shared<const AlignedBuffer>(pack());
  step->tables = AlignedBuffer(4 * blocks.positions * sizeof(int32_t));
  auto* bias = reinterpret_cast<int32_t*>(step->tables.data());
  auto* multiplier = reinterpret_cast<float*>(bias + blocks.positions);
  float* addend = multiplier + blocks.positions;
  auto* sums = reinterpret_cast<int32_t*>(addend + blocks.positions);
  const int64_t xZero = terms.present ? 0 : params.xZero;
  for (const ChannelBlock& block : blocks.blocks) {
    for (size_t p = 0; p < block.kernel->positions(); ++p) {
      const size_t c = block.kernel->channelAt(p);
      if (c >= block.channels) continue;
      const size_t channel = block.channel + c, at = block.position + p;
      bias[at] = filters.start(xZero - (block.kernel->shifted ? 128 : 0), channel);
      if (from.multiplier != nullptr) multiplier[at] = from.multiplier[channel];
      if (terms.bias != nullptr) addend[at] = terms.bias[channel];
      sums[at] = static_cast<int32_t>(filters.sum(channel));
    }
  }
  step->padding = AlignedBuffer(count);
  std::fill_n(step->padding.data(), count, static_cast<uint8_t>(xZero));

  DepthwiseArgs& base = step->base;
  base.rows.padding = step->padding.data();
  base.quads = blocks.quads;
  base.output = outputOf(from.y->type);
  base.zero = params.yZero;
  base.min = params.min;
  base.max = params.max;
  base.lower = params.lower;
  base.upper = params.upper;
  *prepared = std::move(step);
  return {};
}

}  // namespace octavo
