// QConv: convolution, matrix product and fully connected layers on uint8 activations and int8
// weights. Output pixels are the rows of a product whose columns are the output channels; rows are
// cut into strips that stay in the cache, columns into the panels of the packed weights. A part of
// the work is a strip and a share of the panels.
#include "native/ops/qconv.h"

#include <cmath>
#include <vector>

#include "native/ops/gather.h"
#include "native/pack/panels.h"

namespace octavo {
namespace {

// Rows of a strip: a multiple of what every kernel's tile divides.
constexpr size_t kRowUnit = 24;
constexpr size_t kMostRows = 384;
// What a strip's input and output may take of a core's cache, and its tables of pointers.
constexpr size_t kStripBytes = 256 << 10;
constexpr size_t kTableBytes = 64 << 10;
// Multiplications worth handing to another thread, and how finely the work is cut at most.
constexpr double kPartWork = 2e6;
constexpr double kMostParts = 64;

size_t divideUp(size_t a, size_t b) { return (a + b - 1) / b; }

class QConvStep final : public PreparedStep {
 public:
  Gather gather;
  PanelLayout layout;
  PackedBuffer weights;
  AlignedBuffer tables;  // bias, multiplier and weightZero, each of groups * layout.positions
  AlignedBuffer padding;
  DotArgs base{};  // what all calls share
  TensorInfo x, y;
  size_t groups = 1, rows = 0;
  // Where weights have zero points, which need the sums of rows; else null.
  const RowSumKernel* rowSum = nullptr;
  size_t strip = 0, strips = 0, panelParts = 0;

  void cut();
  size_t scratchBytes() const override;
  void run(const RunContext& context) const override;

 private:
  size_t allPanels() const { return groups * layout.panels.size(); }
  size_t pointerBytes() const { return divideUp(layout.taps * strip * sizeof(void*), 64) * 64; }
  size_t borderBytes() const { return divideUp(gather.borderBytes(strip), 64) * 64; }
  void runPart(const RunContext& context, size_t part, uint8_t* scratch) const;
};

// Chooses strips and shares by size alone, so that results don't depend on the number of threads.
void QConvStep::cut() {
  const size_t perRow = layout.taps * (sizeof(void*) + gather.borderBytes(1));
  // What a row adds to the bytes that are touched: rows of a window wider than its stride overlap.
  const WindowAxis &h = gather.window.h, &w = gather.window.w;
  const int64_t pixels = std::min(h.stride, h.kernel) * std::min(w.stride, w.kernel);
  const auto rowBytes = static_cast<size_t>(gather.window.channels * pixels + y.dims[3]);
  size_t most = std::min(kStripBytes / std::max<size_t>(rowBytes, 1), kTableBytes / perRow);
  most = std::min(std::max(most / kRowUnit, size_t{1}) * kRowUnit, kMostRows);
  const double work = static_cast<double>(rows) * static_cast<double>(layout.taps) *
                      static_cast<double>(layout.depth) * static_cast<double>(y.dims[3]);
  const auto parts = static_cast<size_t>(std::min(std::max(work / kPartWork, 1.0), kMostParts));
  const size_t even = divideUp(divideUp(rows, parts), kRowUnit) * kRowUnit;
  strip = std::max<size_t>(std::min({most, even, rows}), 1);
  strips = divideUp(rows, strip);
  panelParts = std::min(allPanels(), divideUp(parts, std::max<size_t>(strips, 1)));
}

size_t QConvStep::scratchBytes() const {
  // The slack is for what sums of rows read beyond a border's last row.
  const size_t sums = rowSum == nullptr ? 0 : strip * sizeof(int32_t) + kTensorSlack;
  return pointerBytes() + borderBytes() + sums;
}

void QConvStep::run(const RunContext& context) const {
  context.team.forEach(strips * panelParts, [&](size_t part, size_t worker) {
    runPart(context, part, context.scratchOf(worker));
  });
}

void QConvStep::runPart(const RunContext& context, size_t part, uint8_t* scratch) const {
  const size_t first = part / panelParts * strip, share = part % panelParts;
  DotArgs args = base;
  args.rows = std::min(strip, rows - first);

  auto* pointers = reinterpret_cast<const uint8_t**>(scratch);
  uint8_t* border = scratch + pointerBytes();
  gather.fill(context.in<uint8_t>(x), padding.data(), first, args.rows, pointers, border);
  args.a = pointers;
  auto* sums = reinterpret_cast<int32_t*>(border + borderBytes());

  const size_t elementBytes = y.type == DataType::kUint8 ? 1 : 4;
  uint8_t* out = context.out<uint8_t>(y) + first * args.yStride;
  const size_t positions = groups * layout.positions, perGroup = layout.panels.size();
  size_t summed = groups;  // the group whose rows `sums` holds
  const size_t end = allPanels() * (share + 1) / panelParts;
  for (size_t i = allPanels() * share / panelParts; i < end; ++i) {
    const size_t group = i / perGroup;
    const Panel& panel = layout.panels[i % perGroup];
    args.offset = group * layout.depth;
    if (rowSum != nullptr && summed != group) {
      rowSum->run({args.a, args.offset, args.rows, args.taps, layout.depth, sums});
      args.rowSum = sums;
      summed = group;
    }
    const size_t position = group * layout.positions + panel.position;
    const auto* table = reinterpret_cast<const int32_t*>(tables.data()) + position;
    args.bias = table;
    args.multiplier = reinterpret_cast<const float*>(table + positions);
    args.weightZero = table + 2 * positions;
    args.weights = reinterpret_cast<const int8_t*>(weights->data()) + group * layout.weightBytes +
                   panel.weights;
    args.columns = panel.columns;
    args.y = out + (group * layout.columns + panel.column) * elementBytes;
    panel.kernel->run(args);
  }
}

template <typename T>
Status takeVector(const StepView& step, const PrepareContext& context, size_t input, DataType type,
                  int64_t count, const char* name, const T** values) {
  const TensorInfo* tensor = inputAt(step, input);
  *values = nullptr;
  if (tensor == nullptr) return {};
  if (tensor->type != type || tensor->count != count) {
    return badStep(std::string(name) + " must have one value for each output channel");
  }
  *values = context.constant<T>(*tensor);
  return *values == nullptr ? badStep(std::string(name) + " must be a constant") : Status();
}

Status takeQConvOperands(const StepView& step, const PrepareContext& context,
                         QConvOperands* operands) {
  const auto& params = step.as<QConvParams>();
  const TensorInfo *x = inputAt(step, 0), *weight = inputAt(step, 1), *y = outputAt(step, 0);
  if (!isType(x, {DataType::kUint8}) || !isType(weight, {DataType::kInt8}) ||
      !isType(y, {DataType::kUint8, DataType::kInt32, DataType::kFloat32})) {
    return badStep("QConv takes uint8 and int8 and gives uint8, int32 or float32");
  }
  const int64_t groups = params.groups;
  if (x->rank != 4 || weight->rank != 4 || y->rank != 4 || groups < 1 ||
      y->dims[3] != weight->dims[0] || weight->dims[0] % groups != 0 ||
      x->dims[3] != weight->dims[3] * groups) {
    return badStep("x [N, H, W, C], weight [O, KH, KW, C / groups] and y [N, H, W, O] disagree");
  }
  if (!isUint8Range(params.xZero, 0, 0) ||
      (y->type == DataType::kUint8 && !isUint8Range(params.yZero, params.min, params.max))) {
    return badStep("zero points and bounds of uint8 must lie in 0 ... 255");
  }
  *operands = {x, weight, y, context.constant<int8_t>(*weight), nullptr, nullptr, nullptr};
  if (operands->weights == nullptr) return badStep("weight must be a constant");
  const int64_t channels = y->dims[3];
  OCTAVO_RETURN_IF_ERROR(
      takeVector(step, context, 2, DataType::kInt32, channels, "bias", &operands->bias));
  OCTAVO_RETURN_IF_ERROR(takeVector(step, context, 3, DataType::kFloat32, channels, "multiplier",
                                    &operands->multiplier));
  OCTAVO_RETURN_IF_ERROR(takeVector(step, context, 4, DataType::kInt32, channels, "weightZero",
                                    &operands->weightZero));
  for (int64_t i = 0; operands->weightZero != nullptr && i < channels; ++i) {
    const int32_t zero = operands->weightZero[i];
    if (zero < -128 || zero > 127) return badStep("a weight's zero point is not an int8");
  }
  if (y->type != DataType::kInt32) {
    if (operands->multiplier == nullptr) return badStep("multiplier is missing");
    for (int64_t i = 0; i < channels; ++i) {
      if (!std::isfinite(operands->multiplier[i])) return badStep("a multiplier is not finite");
    }
  }
  return {};
}

// Bias, multiplier and weightZero in panel order. The bias takes up all that doesn't depend on x:
// Σ (x - xZero)(w - wZero) = Σ x·w - wZero·Σ x - xZero·Σ (w - wZero).
AlignedBuffer makeTables(const QConvOperands& from, const PanelLayout& layout, size_t groups,
                         int32_t xZero) {
  const size_t positions = groups * layout.positions;
  AlignedBuffer tables(3 * positions * sizeof(int32_t));
  auto* bias = reinterpret_cast<int32_t*>(tables.data());
  const size_t depth = layout.taps * layout.depth;
  fillTable(layout, groups, bias, [&](size_t column, const DotKernel& kernel) {
    uint32_t weightSum = 0;
    for (size_t k = 0; k < depth; ++k) {
      weightSum += static_cast<uint32_t>(from.weights[column * depth + k]);
    }
    uint32_t value = from.bias == nullptr ? 0 : static_cast<uint32_t>(from.bias[column]);
    if (kernel.form != DotForm::kDirect) value += 128 * weightSum;
    if (from.weightZero != nullptr) {
      weightSum -= static_cast<uint32_t>(from.weightZero[column]) * static_cast<uint32_t>(depth);
    }
    return static_cast<int32_t>(value - static_cast<uint32_t>(xZero) * weightSum);
  });
  fillTable(layout, groups, reinterpret_cast<float*>(bias + positions),
            [&](size_t column, const DotKernel&) {
              return from.multiplier == nullptr ? 0.0f : from.multiplier[column];
            });
  fillTable(layout, groups, bias + 2 * positions, [&](size_t column, const DotKernel&) {
    return from.weightZero == nullptr ? 0 : from.weightZero[column];
  });
  return tables;
}

}  // namespace

Status prepareQConv(const StepView& step, const PrepareContext& context,
                    std::unique_ptr<PreparedStep>* prepared) {
  QConvOperands from{};
  OCTAVO_RETURN_IF_ERROR(takeQConvOperands(step, context, &from));
  const auto& params = step.as<QConvParams>();
  Window window{};
  OCTAVO_RETURN_IF_ERROR(
      makeWindow(params, from.weight->dims[1], from.weight->dims[2], *from.x, *from.y, &window));
  const DotKernel* forced = context.forced.in(findDot);
  if (forced == nullptr) {
    OCTAVO_RETURN_IF_ERROR(prepareQDepthwise(from, params, window, context, prepared));
    if (*prepared != nullptr) return {};
  }

  // Windows without channels sum up nothing, whatever their size.
  if (from.weight->dims[3] == 0) window.h.kernel = window.w.kernel = 1;
  if (window.isIdentity()) {
    // One long row of pixels.
    window.w.input = window.w.output = window.outputs();
    window.h.input = window.h.output = window.batch = 1;
  }
  auto conv = std::make_unique<QConvStep>();
  conv->groups = static_cast<size_t>(params.groups);
  conv->gather = {window, Gather::chooseForm(window, params.groups)};
  conv->rows = from.y->count == 0 ? 0 : static_cast<size_t>(window.outputs());
  conv->x = *from.x;
  conv->y = *from.y;

  bool minus128 = false;
  for (int64_t i = 0; i < from.weight->count; ++i) minus128 |= from.weights[i] == -128;
  if (forced != nullptr) {
    OCTAVO_RETURN_IF_ERROR(checkRunnable(*forced));
    if (minus128 && forced->form == DotForm::kSymmetric) {
      return badKernel(forced->name, "a weight is -128");
    }
  }
  const size_t columns = static_cast<size_t>(from.y->dims[3]) / conv->groups;
  conv->layout = layoutPanels(context.isa, minus128, columns, conv->gather.taps(),
                              conv->gather.depth() / conv->groups, forced);
  const auto pack = [&] { return packPanels(conv->layout, conv->groups, from.weights); };
  conv->weights = context.packs.get(*from.weight, conv->layout.form(conv->groups), pack);
  conv->tables = makeTables(from, conv->layout, conv->groups, params.xZero);
  conv->padding = AlignedBuffer(conv->gather.depth());
  std::fill_n(conv->padding.data(), conv->gather.depth(), static_cast<uint8_t>(params.xZero));
  for (int64_t i = 0; from.weightZero != nullptr && i < from.y->dims[3]; ++i) {
    if (from.weightZero[i] != 0) conv->rowSum = &chooseRowSum(context.isa);
  }

  DotArgs& base = conv->base;
  base.taps = conv->layout.taps;
  base.quads = conv->layout.quads;
  base.output = from.y->type == DataType::kUint8   ? DotOutput::kUint8
                : from.y->type == DataType::kInt32 ? DotOutput::kInt32
                                                   : DotOutput::kFloat32;
  base.yStride = static_cast<size_t>(from.y->dims[3]) * (base.output == DotOutput::kUint8 ? 1 : 4);
  base.zero = params.yZero;
  base.min = params.min;
  base.max = params.max;
  base.lower = params.lower;
  base.upper = params.upper;
  conv->cut();
  *prepared = std::move(conv);
  return {};
}

}  // namespace octavo
