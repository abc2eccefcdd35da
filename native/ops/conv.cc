// Conv: float32 convolution. Output pixels are the rows of a product whose columns are the output
// channels, as in QConv: rows are cut into strips that stay in the cache, columns into the panels
// of the packed weights. A part of the work is a strip and a share of the panels.
#include "native/ops/conv.h"

#include "native/cpu/cache.h"
#include "native/ops/f32product.h"
#include "native/ops/parts.h"
#include "native/ops/rowpointers.h"

namespace octavo {
namespace {

constexpr size_t kMostRows = 384;  // of a strip
// What a strip's input and output may take at most of a core's cache, of which half is left to
// weights, and its tables of pointers.
constexpr size_t kStripBytes = 512 << 10;
constexpr size_t kTableBytes = 64 << 10;
// Weights that stay in the cache while strip after strip passes them.
constexpr size_t kKeptBytes = 512 << 10;
// Longest row of a window that is read whole, in elements.
constexpr int64_t kLongestRow = 64;

class ConvStep final : public PreparedStep {
 public:
  RowPointers gather;  // in bytes
  FloatPanelLayout layout;
  FloatWeights weights;   // not packed, if not constant: each part packs what it needs
  AlignedBuffer padding;  // zeros
  TensorInfo x, weight, bias, y;
  bool hasBias = false;
  size_t groups = 1, rows = 0;
  float lower = 0, upper = 0;
  size_t strip = 0, strips = 0, panelParts = 0;
  bool byShare = false;  // strips pass a share of the weights in turn, not shares a strip

  size_t taps() const { return gather.taps(); }
  size_t depth() const { return gather.depth() / sizeof(float) / groups; }  // of a group
  void cut();
  size_t scratchBytes() const override;
  void run(const RunContext& context) const override;

 private:
  size_t allPanels() const { return groups * layout.panels.size(); }
  size_t pointerBytes() const { return roundUp(taps() * strip * sizeof(void*), kTensorAlignment); }
  size_t borderBytes() const { return roundUp(gather.borderBytes(strip), kTensorAlignment); }
  void runPart(const RunContext& context, size_t part, uint8_t* scratch) const;
};

class EmptyStep final : public PreparedStep {
 public:
  void run(const RunContext&) const override {}
};

// Chooses strips and shares by size alone, so that results don't depend on the number of threads.
void ConvStep::cut() {
  const size_t perRow = taps() * (sizeof(void*) + gather.borderBytes(1));
  // What a row adds to the bytes that are touched: rows of a window wider than its stride overlap.
  const WindowAxis &h = gather.window.h, &w = gather.window.w;
  const int64_t pixels = std::min(h.stride, h.kernel) * std::min(w.stride, w.kernel);
  const auto rowBytes = static_cast<size_t>(gather.window.channels * pixels) +
                        static_cast<size_t>(y.dims[3]) * sizeof(float);
  const size_t stripBytes = std::min(kStripBytes, secondLevelCacheBytes() / 2);
  size_t most = std::min(stripBytes / rowBytes, kTableBytes / perRow);
  most = std::clamp<size_t>(most < kFloatRowUnit ? most : most / kFloatRowUnit * kFloatRowUnit, 1,
                            kMostRows);
  const double work = static_cast<double>(rows) * static_cast<double>(weight.count);
  const auto parts =
      static_cast<size_t>(std::clamp(work / kFloatPartWork, 1.0, static_cast<double>(kMostParts)));
  byShare = static_cast<size_t>(weight.count) * sizeof(float) > kKeptBytes;
  if (byShare) panelParts = std::min(allPanels(), parts);
  strip = std::min(most, evenStrip(rows, byShare ? divideUp(parts, panelParts) : parts));
  strips = divideUp(rows, strip);
  if (!byShare) panelParts = std::min(allPanels(), divideUp(parts, strips));
}

size_t ConvStep::scratchBytes() const {
  const bool read = weights.packed != nullptr && weights.widen == nullptr;
  const size_t packed = read ? 0 : kDepthBlock * kMostFloatColumns * sizeof(float);
  return pointerBytes() + borderBytes() + packed;
}

void ConvStep::run(const RunContext& context) const {
  context.team.forEach(strips * panelParts, [&](size_t part, size_t worker) {
    runPart(context, part, context.scratchOf(worker));
  });
}

void ConvStep::runPart(const RunContext& context, size_t part, uint8_t* scratch) const {
  const size_t firstRow = (byShare ? part % strips : part / panelParts) * strip;
  const size_t share = byShare ? part / strips : part % panelParts;
  const size_t count = std::min(strip, rows - firstRow);
  auto* pointers = reinterpret_cast<const uint8_t**>(scratch);
  uint8_t* border = scratch + pointerBytes();
  auto* packed = reinterpret_cast<float*>(border + borderBytes());
  gather.fill(context.in<uint8_t>(x), padding.data(), firstRow, count, pointers, border);

  FloatStrip to{};
  to.a = reinterpret_cast<const float* const*>(pointers);
  to.rows = count;
  to.yStride = static_cast<size_t>(y.dims[3]);
  to.lower = lower;
  to.upper = upper;
  const float* biases = hasBias ? context.in<float>(bias) : nullptr;
  const size_t perGroup = layout.panels.size();
  const size_t begin = allPanels() * share / panelParts;
  const size_t end = allPanels() * (share + 1) / panelParts;
  for (size_t i = begin; i < end; ++i) {
    const size_t group = i / perGroup, column = group * layout.columns;
    const FloatPanel& panel = layout.panels[i % perGroup];
    const auto width = static_cast<size_t>(panel.kernel->columns);
    to.offset = group * depth();
    to.bias = biases == nullptr ? nullptr : biases + column;
    to.y = context.out<float>(y) + firstRow * to.yStride + column;
    forEachDepthBlock(taps(), depth(), [&](const DepthBlock& block) {
      const size_t blockDepth = block.taps * block.depth;
      if (weights.packed == nullptr) {
        const float* data = context.in<float>(weight) + column * layout.depth;
        const FloatMatrix matrix{data, layout.depth, 1};
        packFloatPanel(panel, matrix, block.begin, block.begin + blockDepth, packed);
        return addBlock(to, panel, block, packed);
      }
      const size_t at = group * layout.weightCount + panel.weights + block.begin * width;
      const size_t count = blockDepth * width;
      addBlock(to, panel, block, weights.at(at, count, packed), weights.ahead(at + count));
    });
  }
}

Status takeOperands(const StepView& step, ConvOperands* operands) {
  const auto& params = step.as<ConvParams>();
  const TensorInfo *x = inputAt(step, 0), *weight = inputAt(step, 1), *bias = inputAt(step, 2);
  const TensorInfo* y = outputAt(step, 0);
  if (!isType(x, {DataType::kFloat32}) ||
      !isType(weight, {DataType::kFloat32, DataType::kFloat16, DataType::kBfloat16}) ||
      !isType(y, {DataType::kFloat32})) {
    return badStep("x and y must be float32, weight float32 or a 16-bit float");
  }
  const int64_t groups = params.groups;
  if (x->rank != 4 || weight->rank != 4 || y->rank != 4 || groups < 1 ||
      y->dims[3] != weight->dims[0] || weight->dims[0] % groups != 0 ||
      x->dims[3] != weight->dims[3] * groups) {
    return badStep("x [N, H, W, C], weight [O, KH, KW, C / groups] and y [N, H, W, O] disagree");
  }
  if (bias != nullptr && (bias->type != DataType::kFloat32 || bias->count != y->dims[3])) {
    return badStep("bias must be one float32 for each output channel");
  }
  *operands = {x, weight, bias, y, groups, params.lower, params.upper, {}};
  return makeWindow(params, weight->dims[1], weight->dims[2], *x, *y, &operands->window);
}

TapForm chooseForm(const Window& window, int64_t groups) {
  const bool row = groups == 1 && window.w.kernel > 1 && window.w.dilation == 1 &&
                   window.w.kernel * window.channels <= kLongestRow;
  return row ? TapForm::kRow : TapForm::kCell;
}

}  // namespace

Status prepareConv(const StepView& step, const PrepareContext& context,
                   std::unique_ptr<PreparedStep>* prepared) {
  ConvOperands from{};
  OCTAVO_RETURN_IF_ERROR(takeOperands(step, &from));
  if (from.y->count == 0) {
    *prepared = std::make_unique<EmptyStep>();
    return {};
  }
  const WidenKernel* widen = chooseWiden(context.isa, from.weight->type);
  if (widen != nullptr && from.weight->space == Space::kArena) {
    return badStep("weight of a 16-bit float must be a constant");
  }
  if (widen == nullptr && isDepthwise(from)) return prepareDepthwise(from, context, prepared);
  Window window = from.window;
  // Windows without channels sum up nothing, whatever their size.
  if (from.weight->dims[3] == 0) window.h.kernel = window.w.kernel = 1;
  if (window.isIdentity()) {
    // One long row of pixels.
    window.w.input = window.w.output = window.outputs();
    window.h.input = window.h.output = window.batch = 1;
  }
  auto conv = std::make_unique<ConvStep>();
  const TapForm form = chooseForm(window, from.groups);
  window.channels *= static_cast<int64_t>(sizeof(float));
  conv->gather = {window, form};
  conv->groups = static_cast<size_t>(from.groups);
  conv->rows = static_cast<size_t>(window.outputs());
  conv->x = *from.x;
  conv->weight = *from.weight;
  conv->y = *from.y;
  conv->hasBias = from.bias != nullptr;
  if (conv->hasBias) conv->bias = *from.bias;
  conv->lower = from.lower;
  conv->upper = from.upper;

  const size_t columns = static_cast<size_t>(from.y->dims[3]) / conv->groups;
  const size_t depth = conv->taps() * conv->depth();
  const FloatDotKernel* forced = context.forced.in(findFloatDot);
  OCTAVO_RETURN_IF_ERROR(checkFloatKernel(forced, FloatDotElement::kFloat32));
  conv->layout = layoutFloatPanels(context.isa, FloatDotElement::kFloat32, columns, depth, forced);
  conv->weights.widen = widen;
  if (const auto* data = context.weight<uint8_t>(*from.weight)) {
    const FloatPanelLayout& layout = conv->layout;
    const size_t elementBytes = widen == nullptr ? 4 : 2;
    const auto pack = [&] {
      AlignedBuffer packed(conv->groups * layout.weightCount * elementBytes);
      for (size_t group = 0; group < conv->groups; ++group) {
        const uint8_t* from = data + group * columns * depth * elementBytes;
        uint8_t* to = packed.data() + group * layout.weightCount * elementBytes;
        packAnyPanels(layout, elementBytes, from, depth, 1, to);
      }
      return packed;
    };
    conv->weights.packed =
        context.packs.get(*from.weight, layout.form(conv->groups, FloatForm::kByColumn), pack);
  }
  conv->padding = AlignedBuffer(conv->gather.depth());
  conv->cut();
  *prepared = std::move(conv);
  return {};
}

}  // namespace octavo
