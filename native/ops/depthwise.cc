// Depthwise Conv: every channel by its own window. Output rows are cut into runs of pixels whose
// windows lose the same cells at the borders; kernels take a run at a time, of one row or two.
#include <vector>

#include "native/kernels/f32depthwise/f32depthwise.h"
#include "native/ops/conv.h"
#include "native/ops/parts.h"
#include "native/ops/spans.h"

namespace octavo {
namespace {

// Multiplications worth handing to another thread.
constexpr double kGrain = 256 << 10;

// Packs blocks of channels: the bias and the cells of the window, weight being [channels][cells].
// Lanes without a channel are left as they are.
void packBlocks(size_t channels, size_t cells, const float* weight, const float* bias,
                float* packed) {
  for (size_t c = 0; c < channels; ++c) {
    float* out = packed + c / kDepthwiseBlock * (1 + cells) * kDepthwiseBlock + c % kDepthwiseBlock;
    *out = bias == nullptr ? 0 : bias[c];
    for (size_t i = 0; i < cells; ++i) {
      *(out += kDepthwiseBlock) = weight[c * cells + i];
    }
  }
}

class DepthwiseStep final : public PreparedStep {
 public:
  TensorInfo x, weight, bias, y;
  bool hasBias = false;
  int64_t yFirst = 0;
  Window window{};
  std::vector<Span> runs;
  AlignedBuffer packed;
  bool isPacked = false;  // otherwise weight or bias is not constant, and each run packs them
  FloatDepthwiseArgs base{};
  const FloatDepthwiseKernel* kernel = nullptr;

  size_t scratchBytes() const override { return isPacked ? 0 : packedBytes(); }

  void run(const RunContext& context) const override {
    if (isPacked) return convolve(context, reinterpret_cast<const float*>(packed.data()));
    auto* blocks = reinterpret_cast<float*>(context.scratchOf(0));
    std::fill_n(blocks, packedBytes() / sizeof(float), 0.0f);
    pack(context.in<float>(weight), hasBias ? context.in<float>(bias) : nullptr, blocks);
    convolve(context, blocks);
  }

  size_t packedBytes() const {
    return divideUp(base.channels, kDepthwiseBlock) * base.blockStride * sizeof(float);
  }
  void pack(const float* weights, const float* biases, float* blocks) const {
    packBlocks(base.channels, static_cast<size_t>(window.cells()), weights, biases, blocks);
  }

 private:
  void convolve(const RunContext& context, const float* blocks) const {
    const auto rows = static_cast<size_t>(window.batch * window.h.output);
    const double work = static_cast<double>(window.w.output * window.channels) *
                        static_cast<double>(window.cells());
    forEachPart(context.team, rows, static_cast<size_t>(kGrain / work), 1,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t row = begin; row < end;) {
                    const size_t lines = linesFrom(row, end);
                    convolveLines(context, blocks, static_cast<int64_t>(row), lines);
                    row += lines;
                  }
                });
  }

  // Output rows from `row` on whose windows lie inside alike, as many as a call takes.
  size_t linesFrom(size_t row, size_t end) const {
    const WindowAxis& h = window.h;
    const int64_t oh = static_cast<int64_t>(row) % h.output;
    const auto left = std::min(end - row, static_cast<size_t>(h.output - oh));
    size_t lines = 1;
    while (lines < std::min(left, kDepthwiseLines)) {
      const int64_t next = oh + static_cast<int64_t>(lines);
      if (h.firstCell(next) != h.firstCell(oh) || h.endCell(next) != h.endCell(oh)) break;
      ++lines;
    }
    return lines;
  }

  void convolveLines(const RunContext& context, const float* blocks, int64_t row,
                     size_t lines) const {
    const WindowAxis &h = window.h, &w = window.w;
    const int64_t channels = window.channels;
    const int64_t image = row / h.output, oh = row % h.output;
    const int64_t firstRow = h.firstCell(oh), rows = h.endCell(oh) - firstRow;
    const int64_t ih = image * h.input + h.origin(oh) + firstRow * h.dilation;
    FloatDepthwiseArgs args = base;
    args.bias = blocks;
    args.lines = lines;
    for (const Span& run : runs) {
      const int64_t cells = run.endCell - run.firstCell;
      const int64_t iw = w.origin(run.begin) + run.firstCell * w.dilation;
      args.x = context.in<float>(x);
      args.rows = args.cells = 0;
      if (rows > 0 && cells > 0) {
        args.x += (ih * w.input + iw) * channels;
        args.rows = static_cast<size_t>(rows);
        args.cells = static_cast<size_t>(cells);
      }
      args.pixels = static_cast<size_t>(run.outputs);
      args.weights = args.bias +
                     static_cast<size_t>(1 + firstRow * w.kernel + run.firstCell) * kDepthwiseBlock;
      args.y = context.out<float>(y) + (row * w.output + run.begin) * y.dims[3] + yFirst;
      kernel->run(args);
    }
  }
};

}  // namespace

bool isDepthwise(const ConvOperands& operands) {
  return operands.groups > 1 && operands.weight->dims[3] == 1 &&
         operands.weight->dims[0] == operands.groups;
}

Status prepareDepthwise(const ConvOperands& operands, const PrepareContext& context,
                        std::unique_ptr<PreparedStep>* prepared) {
  auto step = std::make_unique<DepthwiseStep>();
  step->x = *operands.x;
  step->weight = *operands.weight;
  step->hasBias = operands.bias != nullptr;
  if (step->hasBias) step->bias = *operands.bias;
  step->y = *operands.y;
  step->yFirst = operands.yFirst;
  step->window = operands.window;
  step->runs = spansOf(operands.window.w);
  step->kernel = &chooseFloatDepthwise(context.isa);

  const Window& window = operands.window;
  const auto channels = static_cast<size_t>(window.channels);
  const auto cells = static_cast<size_t>(window.cells());
  FloatDepthwiseArgs& base = step->base;
  base.rowStride = static_cast<size_t>(window.h.dilation * window.w.input) * channels;
  base.cellStride = static_cast<size_t>(window.w.dilation) * channels;
  base.lineStride = static_cast<size_t>(window.h.stride * window.w.input) * channels;
  base.pixelStride = static_cast<size_t>(window.w.stride) * channels;
  base.channels = channels;
  base.yStride = static_cast<size_t>(operands.y->dims[3]);
  base.yLine = static_cast<size_t>(window.w.output) * base.yStride;
  base.weightRow = static_cast<size_t>(window.w.kernel);
  base.blockStride = (1 + cells) * kDepthwiseBlock;
  base.lower = operands.lower;
  base.upper = operands.upper;

  const float* weight = context.constant<float>(*operands.weight);
  const float* bias = step->hasBias ? context.constant<float>(*operands.bias) : nullptr;
  step->isPacked = weight != nullptr && (bias != nullptr) == step->hasBias;
  if (step->isPacked) {
    step->packed = AlignedBuffer(step->packedBytes(), Pages::kShared);
    step->pack(weight, bias, reinterpret_cast<float*>(step->packed.data()));
  }
  *prepared = std::move(step);
  return {};
}

}  // namespace octavo
