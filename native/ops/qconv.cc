// QConv: convolution, matrix product and fully connected layers on uint8 activations and int8
// weights. Output pixels are the rows of a product whose columns are the output channels; rows are
// cut into strips that stay in the cache, columns into the panels of the packed weights. A part of
// the work is a strip and a share of the panels.
#include "native/ops/qconv.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "native/ops/parts.h"

namespace octavo {
namespace {

DotOutput outputOf(DataType type) {
  return type == DataType::kUint8   ? DotOutput::kUint8
         : type == DataType::kInt32 ? DotOutput::kInt32
                                    : DotOutput::kFloat32;
}

size_t quadBytes(const DotKernel& kernel) { return 4 * static_cast<size_t>(kernel.columns); }

// One int32 or float for each position of all groups.
template <typename T, typename Of>
AlignedBuffer makeTable(const PanelLayout& layout, size_t groups, Of&& of) {
  AlignedBuffer table(groups * layout.positions * sizeof(T));
  fillTable(layout, groups, reinterpret_cast<T*>(table.data()), of);
  return table;
}

// Filling tile registers takes a while: it is worth it from some rows and a tile's depth on, of
// one tap, as the parts of several would have to be brought together.
Isa isaOfProduct(Isa isa, int64_t rows, size_t depth) {
  constexpr int64_t kFewRows = 4;
  constexpr size_t kTileDepth = 64;
  return isa == Isa::kAmx && (rows <= kFewRows || depth < kTileDepth) ? Isa::kAvx512Vnni : isa;
}

bool takesMinus128(const PanelLayout& layout) {
  return std::all_of(layout.panels.begin(), layout.panels.end(),
                     [](const auto& panel) { return takesMinus128(panel.kernel->form); });
}

bool hasMinus128(const QConvOperands& from) {
  return std::memchr(from.weights.data(), -128, static_cast<size_t>(from.weight->count)) != nullptr;
}

}  // namespace

Status takeQConvOperands(const StepView& step, const PrepareContext& context, int64_t groups,
                         QConvOperands* operands) {
  const TensorInfo *x = inputAt(step, 0), *weight = inputAt(step, 1), *y = outputAt(step, 0);
  if (!isType(x, {DataType::kUint8}) || !isType(weight, {DataType::kInt8}) ||
      !isType(y, {DataType::kUint8, DataType::kInt32, DataType::kFloat32})) {
    return badStep("QConv takes uint8 and int8 and gives uint8, int32 or float32");
  }
  if (x->rank != 4 || weight->rank != 4 || y->rank != 4 || groups < 1 ||
      weight->dims[0] % groups != 0 || x->dims[3] != weight->dims[3] * groups) {
    return badStep("x [N, H, W, C], weight [O, KH, KW, C / groups] and y disagree");
  }
  *operands = {x, weight, y, context.weight<int8_t>(*weight), nullptr, nullptr, nullptr};
  if (!operands->weights) return badStep("weight must be a constant");
  const int64_t channels = operands->channels();
  OCTAVO_RETURN_IF_ERROR(takeColumns(step, context, 3, DataType::kFloat32, channels, "multiplier",
                                     &operands->multiplier));
  OCTAVO_RETURN_IF_ERROR(takeColumns(step, context, 4, DataType::kInt32, channels, "weightZero",
                                     &operands->weightZero));
  bool shifted = false;
  for (int64_t i = 0; operands->weightZero != nullptr && i < channels; ++i) {
    const int32_t zero = operands->weightZero[i];
    if (zero < -128 || zero > 127) return badStep("a weight's zero point is not an int8");
    shifted = shifted || zero != 0;
  }
  if (!shifted) operands->weightZero = nullptr;
  if (y->type != DataType::kInt32) {
    if (operands->multiplier == nullptr) return badStep("multiplier is missing");
    for (int64_t i = 0; i < channels; ++i) {
      if (!std::isfinite(operands->multiplier[i])) return badStep("a multiplier is not finite");
    }
  }
  return {};
}

size_t productParts(double multiplications, Isa isa) {
  constexpr double kLeast = 1e6, kLeastOnTiles = 4e6;
  return evenParts(multiplications / (isa == Isa::kAmx ? kLeastOnTiles : kLeast));
}

QProduct::QProduct(const QConvOperands& from, const QConvParams& params, const QTerms& computed,
                   const PanelLayout& panels, Isa panelsIsa, PackStore& packs)
    : x(*from.x),
      y(*from.y),
      groups(static_cast<size_t>(params.groups)),
      isa(panelsIsa),
      layout(panels),
      base{},
      terms(computed),
      yFirst_(static_cast<size_t>(params.yFirst)) {
  const auto pack = [&] { return packPanels(layout, groups, isa, from.weights.data()); };
  weights_ = packs.get(*from.weight, layout.form(groups), pack);
  const SmallPanels small = smallPanelsOf(layout, groups, *weights_);
  base.weights = small.weights;
  base.order = small.order;
  quads_ = small.count;
  base.panels = 1;
  base.panelSpans = layout.taps + 1;
  base.panelPositions = layout.panels.size() > 1 ? layout.panels[1].position : 0;
  multiplier_ = makeTable<float>(layout, groups, [&](size_t column, const DotKernel&) {
    return from.multiplier == nullptr ? 0.0f : from.multiplier[column];
  });
  weightZero_ = makeTable<int32_t>(layout, groups, [&](size_t column, const DotKernel&) {
    return from.weightZero == nullptr ? 0 : from.weightZero[column];
  });
  if (terms.bias != nullptr) {
    addend_ = makeTable<float>(layout, groups,
                               [&](size_t column, const DotKernel&) { return terms.bias[column]; });
  }
  base.fractions = true;
  for (int64_t i = 0; from.multiplier != nullptr && i < from.channels(); ++i) {
    base.fractions = base.fractions && std::fabs(from.multiplier[i]) < 1;
  }
  base.taps = layout.taps;
  base.quads = layout.quads;
  base.output = layout.output;
  base.yStride = static_cast<size_t>(y.dims[3]) * elementBytes();
  base.zero = params.yZero;
  base.min = params.min;
  base.max = params.max;
  base.lower = params.lower;
  base.upper = params.upper;
}

// The bias takes up all that doesn't depend on x:
// Σ (x - xZero)(w - wZero) = Σ x·w - wZero·Σ x - xZero·Σ (w - wZero).
size_t QProduct::addBias(const QConvOperands& from, int32_t xZero, const TapRange& taps,
                         size_t tapColumns) {
  const auto count = static_cast<uint32_t>(taps.taps() * layout.depth);
  const auto zeroSum = [&](size_t column) {
    return from.weightZero == nullptr ? 0 : static_cast<uint32_t>(from.weightZero[column]) * count;
  };
  std::vector<uint32_t> sums(columns());
  for (size_t column = 0; column < sums.size(); ++column) {
    sums[column] = sumTaps(column, taps, tapColumns);
  }
  const uint32_t zero = terms.computesZero ? 0 : static_cast<uint32_t>(xZero);
  biases_.push_back(makeTable<int32_t>(layout, groups, [&](size_t column, const DotKernel& kernel) {
    const uint32_t bias = from.bias == nullptr ? 0 : static_cast<uint32_t>(from.bias[column]);
    const uint32_t shifted = isShifted(kernel.form) ? 128 * sums[column] : 0;
    return static_cast<int32_t>(bias + shifted - zero * (sums[column] - zeroSum(column)));
  }));
  if (terms.computesZero) {
    weightSums_.push_back(makeTable<int32_t>(layout, groups, [&](size_t column, const DotKernel&) {
      return static_cast<int32_t>(sums[column] - zeroSum(column));
    }));
  }
  return biases_.size() - 1;
}

uint32_t QProduct::sumTaps(size_t column, const TapRange& taps, size_t tapColumns) const {
  const uint32_t* at =
      tapSumsOf(layout, column / layout.columns, *weights_) + column % layout.columns * layout.taps;
  uint32_t sum = 0;
  for (int64_t row = taps.firstH; row < taps.endH; ++row) {
    for (int64_t cell = taps.firstW; cell < taps.endW; ++cell) {
      sum += at[static_cast<size_t>(row) * tapColumns + static_cast<size_t>(cell)];
    }
  }
  return sum;
}

const int32_t* QProduct::biasOf(size_t panel, size_t bias, const QTermValues& values,
                                QTermTables* tables) const {
  const auto* from = reinterpret_cast<const int32_t*>(biases_[bias].data()) + positionOf(panel);
  if (!terms.computesZero) return from;
  const auto* sums = reinterpret_cast<const int32_t*>(weightSums_[bias].data()) + positionOf(panel);
  for (int i = 0; i < kernelOf(panel).columns; ++i) {
    tables->bias[i] =
        static_cast<int32_t>(static_cast<uint32_t>(from[i]) -
                             static_cast<uint32_t>(values.xZero) * static_cast<uint32_t>(sums[i]));
  }
  return tables->bias;
}

size_t QProduct::panelBytes(size_t panel, size_t count) const {
  const size_t last = panel + count - 1;
  const QuadSpan* spans = spansOf(panel);
  if (spans == nullptr) return count * layout.taps * tapBytes(kernelOf(panel));
  return quadBytes(kernelOf(panel)) * (spansOf(last)[layout.taps].one - spans[0].two);
}

size_t QProduct::panelsTogether(size_t panel, size_t last) const {
  const Panel& first = panelAt(panel);
  const auto whole = [&](size_t i) { return panelAt(i).columns == first.columns; };
  if (spansOf(panel) == nullptr || terms.computesZero || terms.scaled) return 1;
  size_t count = 1, bytes = panelBytes(panel);
  for (size_t next = panel + 1; next < last && groupOf(next) == groupOf(panel) && whole(next);
       ++next) {
    bytes += panelBytes(next);
    if (bytes > togetherBytes()) break;
    ++count;
  }
  return count;
}

size_t QProduct::tapBytes(const DotKernel& kernel) const {
  return roundUp(layout.depth, static_cast<size_t>(kernel.group)) *
         static_cast<size_t>(kernel.columns);
}

DotArgs QProduct::argsOf(const RunContext& context) const {
  DotArgs args = base;
  if (residual.present) {
    // As numbers: they point into different tensors.
    const auto from = reinterpret_cast<intptr_t>(context.in<uint8_t>(residual.tensor));
    args.sum = &residual.sum;
    args.residual = from - reinterpret_cast<intptr_t>(context.out<uint8_t>(y));
  }
  return args;
}

void QProduct::enter(size_t panel, uint8_t* results, const QTermValues& values, QTermTables* tables,
                     DotArgs* args) const {
  const Panel& at = panelAt(panel);
  const size_t position = positionOf(panel);
  args->spans = spansOf(panel);
  if (args->spans == nullptr) args->weights = weightsOf(panel);
  args->bias = biasOf(panel, 0, values, tables);
  args->multiplier = reinterpret_cast<const float*>(multiplier_.data()) + position;
  if (terms.scaled) {
    for (int i = 0; i < at.kernel->columns; ++i) {
      tables->multiplier[i] = values.xScale * args->multiplier[i];
    }
    args->multiplier = tables->multiplier;
  }
  args->weightZero = reinterpret_cast<const int32_t*>(weightZero_.data()) + position;
  if (terms.bias != nullptr) {
    args->addend = reinterpret_cast<const float*>(addend_.data()) + position;
  }
  args->columns = at.columns;
  args->y = results + (yFirst_ + groupOf(panel) * layout.columns + at.column) * elementBytes();
}

Status prepareQConv(const StepView& step, const PrepareContext& context,
                    std::unique_ptr<PreparedStep>* prepared) {
  QConvParams params = step.as<QConvParams>();
  QConvOperands from{};
  OCTAVO_RETURN_IF_ERROR(takeQConvOperands(step, context, params.groups, &from));
  if (!isUint8Range(params.xZero, 0, 0) ||
      (from.y->type == DataType::kUint8 && !isUint8Range(params.yZero, params.min, params.max))) {
    return badStep("zero points and bounds of uint8 must lie in 0 ... 255");
  }
  if (!holdsPlace(from.y->dims[3], params.yFirst, from.channels())) {
    return badStep("y has no room for the output channels from yFirst on");
  }
  OCTAVO_RETURN_IF_ERROR(
      takeColumns(step, context, 2, DataType::kInt32, from.channels(), "bias", &from.bias));
  QResidual residual;
  OCTAVO_RETURN_IF_ERROR(takeQResidual(step, *from.y, &residual));
  if (residual.present) {
    if (from.y->dims[3] != from.channels()) return badStep("a sum with a residual must fill y");
    params.yZero = params.codeZero;
    params.min = params.codeMin;
    params.max = params.codeMax;
  }
  Window window{};
  OCTAVO_RETURN_IF_ERROR(
      makeWindow(params, from.weight->dims[1], from.weight->dims[2], *from.x, *from.y, &window));
  const DotKernel* forced = context.forced.in(findDot);
  if (forced == nullptr && !residual.present) {
    OCTAVO_RETURN_IF_ERROR(prepareQDepthwise(from, params, window, {}, context, prepared));
    if (*prepared != nullptr) return {};
  }
  return prepareQProduct(from, params, window, residual, {}, context, prepared);
}

Status prepareQProduct(const QConvOperands& from, const QConvParams& params, Window window,
                       const QResidual& residual, const QTerms& terms,
                       const PrepareContext& context, std::unique_ptr<PreparedStep>* prepared) {
  const DotKernel* forced = context.forced.in(findDot);
  // Windows without channels sum up nothing, whatever their size.
  if (from.weight->dims[3] == 0) window.h.kernel = window.w.kernel = 1;
  if (window.isIdentity()) {
    // One long row of pixels.
    window.w.input = window.w.output = window.outputs();
    window.h.input = window.h.output = window.batch = 1;
  }
  const RowPointers gather{window, RowPointers::chooseForm(window, params.groups)};

  if (forced != nullptr) OCTAVO_RETURN_IF_ERROR(checkRunnable(*forced));
  const auto groups = static_cast<size_t>(params.groups);
  const size_t columns = static_cast<size_t>(from.channels()) / groups;
  const size_t depth = gather.depth() / groups;
  const Isa isa =
      forced != nullptr ? forced->isa : isaOfProduct(context.isa, window.outputs(), depth);
  const auto layoutFor = [&](bool minus128) {
    return layoutPanels(isa, outputOf(from.y->type), minus128, columns, gather.taps(), depth,
                        forced);
  };
  PanelLayout layout = layoutFor(false);
  // The weights are read only where it matters what they are.
  if (!takesMinus128(layout) && hasMinus128(from)) {
    if (forced != nullptr) return badKernel(forced->name, "a weight is -128");
    layout = layoutFor(true);
  }
  QProduct product(from, params, terms, layout, isa, context.packs);
  product.residual = residual;
  const bool grids = layout.panels.empty() || takesGrids(*layout.panels[0].kernel);
  const RowSumKernel* rowSum = from.weightZero == nullptr ? nullptr : &chooseRowSum(context.isa);
  *prepared = grids && rowSum == nullptr
                  ? makeQGrid(std::move(product), from, params, gather)
                  : makeQPointers(std::move(product), from, params, gather, rowSum);
  return {};
}

}  // namespace octavo
