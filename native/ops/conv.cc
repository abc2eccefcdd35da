// Conv: float32 convolution. Output pixels are the rows of a product whose columns are the output
// channels, as in QConv: rows are cut into strips that stay in the cache, columns into the panels
// of the packed weights. A part of the work is a strip and a share of the panels. ops/convrows
// tells which taps rows have, and where they lie.
#include "native/ops/conv.h"

#include <cmath>
#include <cstring>

#include "native/cpu/cache.h"
#include "native/ops/convrows.h"
#include "native/ops/f32product.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kMostRows = 384;  // of a strip
// How many rows are worth a strip, and how many lines where their ends are rectangles.
constexpr size_t kFewRows = 96, kFewLines = 6;
// What a strip's input and output may take at most of a core's cache, of which half is left to
// weights.
constexpr size_t kStripBytes = 512 << 10;
// Weights that stay in the cache while strip after strip passes them.
constexpr size_t kKeptBytes = 512 << 10;
// Shares of the weights for each of which a strip is copied.
constexpr size_t kMostCopies = 8;

// A part of the sum: what is read of a window, and at which depth of all taps it begins.
struct ConvBlock {
  Taps taps;
  size_t begin;
  bool first, last;
};

class ConvStep final : public PreparedStep {
 public:
  ConvRows rows;
  FloatPanelLayout layout;
  FloatWeights weights;  // not packed, if not constant: each part packs what it needs
  TensorInfo x, weight, bias, y;
  bool hasBias = false;
  size_t groups = 1, yFirst = 0;
  float lower = 0, upper = 0;

  void cut(const Window& window);
  size_t scratchBytes() const override;
  void run(const RunContext& context) const override;

 private:
  size_t panelParts = 0;
  bool byShare = false;  // strips pass a share of the weights in turn, not shares a strip
  bool isFar = false;    // weights come from further away than the cache of a core

  size_t allPanels() const { return groups * layout.panels.size(); }
  template <typename Body>
  void forEachBlock(Body&& body) const;
  void runPart(const RunContext& context, size_t part, uint8_t* scratch) const;
  void addBlock(const ConvBlock& block, size_t strip, const FloatDotKernel& kernel,
                FloatDotArgs args) const;
};

class EmptyStep final : public PreparedStep {
 public:
  void run(const RunContext&) const override {}
};

// Chooses strips and shares by size alone, so that results don't depend on the number of threads.
void ConvStep::cut(const Window& window) {
  const WindowAxis &h = window.h, &w = window.w;
  const auto outputs = static_cast<size_t>(window.outputs());
  // What a row adds to the bytes that are touched: rows of a window wider than its stride overlap.
  const int64_t pixels = std::min(h.stride, h.kernel) * std::min(w.stride, w.kernel);
  const auto rowBytes =
      static_cast<size_t>(window.channels * pixels + weight.dims[0]) * sizeof(float);
  const size_t stripBytes = std::min(kStripBytes, secondLevelCacheBytes() / 2);
  const size_t most = std::clamp<size_t>(stripBytes / rowBytes, 1, kMostRows);
  const double work = static_cast<double>(outputs) * static_cast<double>(weight.count);
  const size_t parts = evenParts(work / kLeastFloatWork);
  const size_t weightBytes = static_cast<size_t>(weight.count) * sizeof(float);
  byShare = weightBytes > kKeptBytes;
  isFar = areFar(weightBytes);
  const size_t mostShares = std::min(allPanels(), rows.copies() ? kMostCopies : kMostParts);
  if (byShare) panelParts = std::min(mostShares, parts);
  const size_t wanted = byShare ? divideUp(parts, panelParts) : parts;
  const size_t units = rows.units(), each = rows.unitRows();
  if (each == 1) {
    const size_t whole = std::max<size_t>(most / kFloatRowUnit * kFloatRowUnit, 1);
    rows.cut(std::min(whole, evenStrip(units, wanted)));
  } else {
    const size_t few = std::max(divideUp(kFewRows, each), rows.hasEnds() ? kFewLines : 1);
    const size_t strip = std::max(divideUp(units, wanted), few);
    const size_t strips = divideUp(units, std::min(strip, std::max<size_t>(most / each, 1)));
    rows.cut(divideUp(units, strips));
  }
  if (!byShare) panelParts = std::min(mostShares, divideUp(parts, rows.strips()));
}

// Calls body(block) for the parts of the sum in order: whole runs, or a part of one.
template <typename Body>
void ConvStep::forEachBlock(Body&& body) const {
  const size_t runs = rows.runs, taps = rows.runTaps, depth = rows.depth;
  if (taps == 1) {
    return forEachDepthBlock(runs, depth, [&](const DepthBlock& part) {
      const Taps taken{{part.firstTap, part.firstTap + part.taps},
                       {0, 1},
                       {part.offset, part.offset + part.depth}};
      body(ConvBlock{taken, part.begin, part.first, part.last});
    });
  }
  if (taps * depth <= kDepthBlock) {
    return forEachDepthBlock(runs, taps * depth, [&](const DepthBlock& part) {
      const Taps taken{{part.firstTap, part.firstTap + part.taps}, {0, taps}, {0, depth}};
      body(ConvBlock{taken, part.begin, part.first, part.last});
    });
  }
  for (size_t run = 0; run < runs; ++run) {
    forEachDepthBlock(taps, depth, [&](const DepthBlock& part) {
      const Taps taken{{run, run + 1},
                       {part.firstTap, part.firstTap + part.taps},
                       {part.offset, part.offset + part.depth}};
      body(ConvBlock{taken, run * taps * depth + part.begin, run == 0 && part.first,
                     run + 1 == runs && part.last});
    });
  }
}

size_t ConvStep::scratchBytes() const {
  const bool read = weights.packed != nullptr && weights.widen == nullptr;
  const size_t packed = read ? 0 : kDepthBlock * kMostFloatColumns * sizeof(float);
  return packed + rows.scratchBytes();
}

void ConvStep::run(const RunContext& context) const {
  context.team.forEach(rows.strips() * panelParts, [&](size_t part, size_t worker) {
    runPart(context, part, context.scratchOf(worker));
  });
}

void ConvStep::runPart(const RunContext& context, size_t part, uint8_t* scratch) const {
  const size_t strip = byShare ? part % rows.strips() : part / panelParts;
  const size_t share = byShare ? part / rows.strips() : part % panelParts;
  auto* packed = reinterpret_cast<float*>(scratch);
  uint8_t* rest = scratch + scratchBytes() - rows.scratchBytes();
  FloatDotArgs args{};
  args.a = rows.pointRows(context.in<float>(x), strip, rest);
  args.tapStride = rows.tapStride;
  args.runStride = rows.runStride;

  const float* biases = hasBias ? context.in<float>(bias) : nullptr;
  const size_t perGroup = layout.panels.size();
  const size_t begin = allPanels() * share / panelParts;
  const size_t end = allPanels() * (share + 1) / panelParts;
  for (size_t i = begin; i < end; ++i) {
    const size_t group = i / perGroup;
    const FloatPanel& panel = layout.panels[i % perGroup];
    const size_t column = group * layout.columns + panel.column;
    const auto width = static_cast<size_t>(panel.kernel->columns);
    alignas(kTensorAlignment) float start[kMostFloatColumns] = {};
    if (biases != nullptr) std::memcpy(start, biases + column, panel.columns * sizeof(float));
    args.offset = group * rows.depth;
    args.y = context.out<float>(y) + yFirst + column;
    args.columns = panel.columns;
    forEachBlock([&](const ConvBlock& block) {
      const size_t depth = block.taps.count(), count = depth * width;
      if (weights.packed == nullptr) {
        const float* data = context.in<float>(weight) + group * layout.columns * layout.depth;
        const FloatMatrix matrix{data, layout.depth, 1};
        packFloatPanel(panel, matrix, block.begin, block.begin + depth, packed);
        args.weights = packed;
      } else {
        const size_t at = group * layout.weightCount + panel.weights + block.begin * width;
        args.weights = weights.at(at, count, packed);
        args.next = isFar ? weights.ahead(at + count) : nullptr;
        args.nextLines = linesOf(count);
      }
      args.bias = block.first ? start : nullptr;
      args.lower = block.last ? lower : -INFINITY;
      args.upper = block.last ? upper : INFINITY;
      addBlock(block, strip, *panel.kernel, args);
    });
  }
}

// Adds a block to the columns of one panel: of each rectangle what lies inside. `args`: what all
// calls share, with the block's weights, and y as if the strip began with the first output.
void ConvStep::addBlock(const ConvBlock& block, size_t strip, const FloatDotKernel& kernel,
                        FloatDotArgs args) const {
  const auto columns = static_cast<size_t>(kernel.columns);
  const FloatDotArgs all = args;
  const Taps& whole = block.taps;
  const size_t runDepth = whole.taps.size() * whole.depth.size();
  // Each call fetches its share of what comes next.
  const size_t share = divideUp(all.nextLines, rows.calls(strip));
  for (const Rectangle* one = rows.begin(strip); one != rows.end(strip); ++one) {
    const Taps &inside = one->inside, taken = inside.within(whole);
    const size_t depth = taken.count();
    args.rows = one->rows;
    args.runTaps = std::max<size_t>(taken.taps.size(), 1);
    args.taps = depth == 0 ? 0 : taken.runs.size() * args.runTaps;
    if (depth == 0 && !block.first && !block.last) {
      args.a += one->calls * one->rows;
      continue;
    }
    if (depth > 0) {
      args.depth = taken.depth.size();
      args.offset = all.offset + (taken.runs.begin - inside.runs.begin) * rows.runStride +
                    (taken.taps.begin - inside.taps.begin) * rows.tapStride + taken.depth.begin -
                    inside.depth.begin;
      const size_t before = (taken.runs.begin - whole.runs.begin) * runDepth +
                            (taken.taps.begin - whole.taps.begin) * whole.depth.size() +
                            taken.depth.begin - whole.depth.begin;
      args.weights = all.weights + before * columns;
      args.weightSkip = (runDepth - args.runTaps * args.depth) * columns;
    }
    args.y = all.y + one->y;
    args.yStride = one->yStride;
    args.nextLines = share;
    for (size_t call = 0; call < one->calls; ++call) {
      kernel.run(args);
      args.a += one->rows;
      args.y += rows.yLine;
      if (args.next != nullptr) args.next += share * kFloatLine;
    }
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
      weight->dims[0] % groups != 0 || x->dims[3] != weight->dims[3] * groups) {
    return badStep("x [N, H, W, C], weight [O, KH, KW, C / groups] and y disagree");
  }
  if (!holdsPlace(y->dims[3], params.yFirst, weight->dims[0])) {
    return badStep("y has no room for the output channels from yFirst on");
  }
  if (bias != nullptr && (bias->type != DataType::kFloat32 || bias->count != weight->dims[0])) {
    return badStep("bias must be one float32 for each output channel");
  }
  *operands = {x, weight, bias, y, groups, params.lower, params.upper, params.yFirst, {}};
  return makeWindow(params, weight->dims[1], weight->dims[2], *x, *y, &operands->window);
}

}  // namespace

Status prepareConv(const StepView& step, const PrepareContext& context,
                   std::unique_ptr<PreparedStep>* prepared) {
  ConvOperands from{};
  OCTAVO_RETURN_IF_ERROR(takeOperands(step, &from));
  if (from.y->count == 0 || from.weight->dims[0] == 0) {
    *prepared = std::make_unique<EmptyStep>();
    return {};
  }
  const WidenKernel* widen = chooseWiden(context.isa, from.weight->type);
  if (widen != nullptr && from.weight->space == Space::kArena) {
    return badStep("weight of a 16-bit float must be a constant");
  }
  if (widen == nullptr && isDepthwise(from)) return prepareDepthwise(from, context, prepared);
  auto conv = std::make_unique<ConvStep>();
  conv->groups = static_cast<size_t>(from.groups);
  conv->rows = ConvRows(from.window, conv->groups, static_cast<size_t>(from.y->dims[3]));
  conv->x = *from.x;
  conv->weight = *from.weight;
  conv->y = *from.y;
  conv->hasBias = from.bias != nullptr;
  if (conv->hasBias) conv->bias = *from.bias;
  conv->lower = from.lower;
  conv->upper = from.upper;
  conv->yFirst = static_cast<size_t>(from.yFirst);

  const size_t columns = static_cast<size_t>(from.weight->dims[0]) / conv->groups;
  const size_t depth = conv->rows.runs * conv->rows.runTaps * conv->rows.depth;
  const FloatDotKernel* forced = context.forced.in(findFloatDot);
  OCTAVO_RETURN_IF_ERROR(checkFloatKernel(forced, FloatDotElement::kFloat32));
  conv->layout = layoutFloatPanels(context.isa, FloatDotElement::kFloat32, columns, depth, forced);
  conv->weights.widen = widen;
  if (const auto weight = context.weight<uint8_t>(*from.weight)) {
    const FloatPanelLayout& layout = conv->layout;
    const size_t elementBytes = widen == nullptr ? 4 : 2;
    const auto pack = [&] {
      AlignedBuffer packed(conv->groups * layout.weightCount * elementBytes, Pages::kShared);
      const uint8_t* const data = weight.data();
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
  conv->cut(from.window);
  *prepared = std::move(conv);
  return {};
}

}  // namespace octavo
