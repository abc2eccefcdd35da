// Depthwise QConv: rows of outputs over blocks of channels. A part of the work is a run of output
// rows of one image; the pointers to the padded input rows it needs are laid out once, as a grid.
#include <algorithm>

#include "native/kernels/depthwise/depthwise.h"
#include "native/kernels/dot/dot.h"
#include "native/ops/qconv.h"
#include "native/pack/blocks.h"

namespace octavo {
namespace {

// Pointers of the grid of one part.
constexpr size_t kMostPointers = 32 << 10;
// Multiplications worth handing to another thread, and how finely the work is cut at most.
constexpr double kPartWork = 2.5e5;
constexpr double kMostParts = 32;

class DepthwiseStep final : public PreparedStep {
 public:
  Window window;
  BlockLayout layout;
  PackedBuffer weights;
  AlignedBuffer tables;   // bias and multiplier, each of layout.positions
  AlignedBuffer padding;  // one pixel of zero points
  std::vector<int32_t> tapAt;
  DepthwiseArgs base{};
  TensorInfo x, y;
  int64_t rows = 0;   // output rows of a part
  int64_t width = 0;  // of the grid

  int64_t gridRows(int64_t outputs) const {
    return (outputs - 1) * window.h.stride + (window.h.kernel - 1) * window.h.dilation + 1;
  }
  size_t scratchBytes() const override {
    return static_cast<size_t>(gridRows(rows) * width) * sizeof(void*);
  }
  void run(const RunContext& context) const override;

 private:
  void fillGrid(const uint8_t* image, int64_t first, int64_t outputs, const uint8_t** grid) const;
};

void DepthwiseStep::run(const RunContext& context) const {
  const int64_t perImage = (window.h.output + rows - 1) / rows;
  const int64_t imageBytes = window.h.input * window.w.input * window.channels;
  const auto* bias = reinterpret_cast<const int32_t*>(tables.data());
  const auto body = [&](size_t part, size_t worker) {
    const int64_t image = static_cast<int64_t>(part) / perImage;
    const int64_t first = static_cast<int64_t>(part) % perImage * rows;
    const int64_t outputs = std::min(rows, window.h.output - first);
    auto* grid = reinterpret_cast<const uint8_t**>(context.scratchOf(worker));
    fillGrid(context.in<uint8_t>(x) + image * imageBytes, first, outputs, grid);
    DepthwiseArgs args = base;
    for (int64_t row = 0; row < outputs; ++row) {
      args.grid = grid + row * window.h.stride * width;
      const int64_t pixel = (image * window.h.output + first + row) * window.w.output;
      uint8_t* out = context.out<uint8_t>(y) + pixel * window.channels;
      for (const ChannelBlock& block : layout.blocks) {
        args.offset = block.channel;
        args.channels = block.channels;
        args.weights = reinterpret_cast<const int8_t*>(weights->data()) + block.weights;
        args.bias = bias + block.position;
        args.multiplier = reinterpret_cast<const float*>(bias + layout.positions) + block.position;
        args.y = out + block.channel;
        block.kernel->run(args);
      }
    }
  };
  context.team.forEach(static_cast<size_t>(window.batch * perImage), body);
}

// The grid's row r is input row origin(first) + r, column c is input column c - pad.
void DepthwiseStep::fillGrid(const uint8_t* image, int64_t first, int64_t outputs,
                             const uint8_t** grid) const {
  const int64_t channels = window.channels, top = window.h.origin(first);
  const int64_t left = std::min(window.w.pad, width);
  const int64_t right = std::min(window.w.pad + window.w.input, width);
  for (int64_t r = 0; r < gridRows(outputs); ++r) {
    const uint8_t** out = grid + r * width;
    int64_t column = 0;
    if (window.h.contains(top + r)) {
      const uint8_t* in = image + (top + r) * window.w.input * channels;
      for (; column < left; ++column) out[column] = padding.data();
      for (; column < right; ++column, in += channels) out[column] = in;
    }
    for (; column < width; ++column) out[column] = padding.data();
  }
}

}  // namespace

Status prepareQDepthwise(const QConvOperands& from, const QConvParams& params, const Window& window,
                         const PrepareContext& context, std::unique_ptr<PreparedStep>* prepared) {
  *prepared = nullptr;
  const int64_t channels = window.channels;
  if (params.groups != channels || from.weight->dims[0] != channels || channels == 0 ||
      from.y->type != DataType::kUint8 || from.y->count == 0) {
    return {};
  }
  auto step = std::make_unique<DepthwiseStep>();
  step->window = window;
  const bool neighbours = window.w.stride == 1 && window.w.dilation == 1;
  // One place more than the last output needs, for the pixel that kRows reads beyond it.
  step->width =
      (window.w.output - 1) * window.w.stride + (window.w.kernel - 1) * window.w.dilation + 2;
  const auto most = static_cast<int64_t>(kMostPointers);
  if (step->width > most || step->gridRows(1) > most / step->width) return {};

  const double cells = static_cast<double>(window.cells());
  const double rowWork = static_cast<double>(window.w.output * channels) * cells;
  const double work = rowWork * static_cast<double>(window.batch * window.h.output);
  const double partWork = std::max(kPartWork, work / kMostParts);
  step->rows = std::clamp(static_cast<int64_t>(partWork / rowWork), int64_t{1}, window.h.output);
  while (step->gridRows(step->rows) > most / step->width) step->rows = (step->rows + 1) / 2;

  const DepthwiseKernel* forced = context.forced.in(findDepthwise);
  if (forced != nullptr) OCTAVO_RETURN_IF_ERROR(checkRunnable(*forced));
  const auto count = static_cast<size_t>(channels), taps = static_cast<size_t>(window.cells());
  step->layout = layoutBlocks(context.isa, count, static_cast<size_t>(window.h.kernel),
                              static_cast<size_t>(window.w.kernel), neighbours, from.weights,
                              from.weightZero, forced);
  const BlockLayout& layout = step->layout;
  if (layout.blocks.empty()) {
    return badKernel(forced->name, "windows three wide with stride 1 and int8 weights are its own");
  }
  const auto pack = [&] { return packBlocks(layout, from.weights, from.weightZero); };
  // Packed together with its zero points, which the store knows nothing of.
  step->weights = from.weightZero == nullptr ? context.packs.get(*from.weight, layout.name(), pack)
                                             : std::make_shared<const AlignedBuffer>(pack());
  for (size_t i = 0; i < 4 * layout.quads; ++i) {
    const int64_t cell = std::max<int64_t>(layout.cellAt(i), 0), kernelW = window.w.kernel;
    const int64_t kh =
        layout.form == DepthwiseForm::kRows ? static_cast<int64_t>(i / 4) : cell / kernelW;
    step->tapAt.push_back(static_cast<int32_t>(kh * window.h.dilation * step->width +
                                               (cell - kh * kernelW) * window.w.dilation));
  }

  step->tables = AlignedBuffer(2 * layout.positions * sizeof(int32_t));
  auto* bias = reinterpret_cast<int32_t*>(step->tables.data());
  auto* multiplier = reinterpret_cast<float*>(bias + layout.positions);
  for (const ChannelBlock& block : layout.blocks) {
    for (int p = 0; p < block.kernel->channels; ++p) {
      const auto c =
          static_cast<size_t>(panelColumn(p, block.kernel->channels, block.kernel->lanes));
      if (c >= block.channels) continue;
      const size_t channel = block.channel + c, at = block.position + static_cast<size_t>(p);
      uint32_t sum = 0;
      for (size_t t = 0; t < taps; ++t) {
        sum += static_cast<uint32_t>(from.weights[channel * taps + t]);
      }
      if (from.weightZero != nullptr) {
        sum -= static_cast<uint32_t>(taps) * static_cast<uint32_t>(from.weightZero[channel]);
      }
      const uint32_t value = from.bias == nullptr ? 0 : static_cast<uint32_t>(from.bias[channel]);
      bias[at] = static_cast<int32_t>(value - static_cast<uint32_t>(params.xZero) * sum);
      multiplier[at] = from.multiplier[channel];
    }
  }
  step->padding = AlignedBuffer(count);
  std::fill_n(step->padding.data(), count, static_cast<uint8_t>(params.xZero));
  step->x = *from.x;
  step->y = *from.y;

  DepthwiseArgs& base = step->base;
  base.tapAt = step->tapAt.data();
  base.quads = layout.quads;
  base.step = static_cast<size_t>(window.w.stride);
  base.outputs = static_cast<size_t>(window.w.output);
  base.yStride = count;
  base.zero = params.yZero;
  base.min = params.min;
  base.max = params.max;
  *prepared = std::move(step);
  return {};
}

}  // namespace octavo
