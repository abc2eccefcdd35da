// MatMulInt4: int8 rows times 4-bit columns with a scale for every block. A part of the work is a
// strip of rows and a share of the panels.
#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/pack/nibbles.h"

namespace octavo {
namespace {

// Rows of a strip: their sums of one panel stay in the first cache.
constexpr size_t kMostRows = 48;
// Multiplications worth handing to another thread.
constexpr double kPartWork = 2e6;
constexpr int32_t kMostBlock = 1 << 16;

class MatMulInt4Step final : public PreparedStep {
 public:
  TensorInfo x, xScale, y;
  const float* bias = nullptr;
  NibbleLayout layout{};
  const BlockSumKernel* blockSum = nullptr;
  PackedBuffer packed;
  size_t rows = 0, depth = 0, columns = 0;
  size_t strip = 0, strips = 0, panelParts = 0;

  void cut();
  size_t scratchBytes() const override {
    return sumBytes() + nbitsScratch(*layout.kernel, strip, layout.pairs);
  }
  void run(const RunContext& context) const override;

 private:
  size_t sumBytes() const {
    return roundUp(strip * layout.blocks * sizeof(int32_t), kTensorAlignment);
  }
};

void MatMulInt4Step::cut() {
  const double work =
      static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(depth);
  const auto parts =
      static_cast<size_t>(std::clamp(work / kPartWork, 1.0, static_cast<double>(kMostParts)));
  strip = std::min(rows, kMostRows);
  strips = divideUp(rows, strip);
  panelParts = std::min(layout.panels, divideUp(parts, strips));
}

void MatMulInt4Step::run(const RunContext& context) const {
  if (y.count == 0) return;
  context.team.forEach(strips * panelParts, [&](size_t part, size_t worker) {
    const size_t share = part % panelParts, first = part / panelParts * strip;
    uint8_t* scratch = context.scratchOf(worker);
    auto* sums = reinterpret_cast<int32_t*>(scratch);
    NbitsArgs args{};
    args.x = context.in<int8_t>(x) + first * depth;
    args.xStride = depth;
    args.rows = std::min(strip, rows - first);
    args.xScale = context.in<float>(xScale) + first;
    args.sums = sums;
    args.blocks = layout.blocks;
    args.pairs = layout.pairs;
    args.lastPairs = layout.lastPairs;
    args.zeros = layout.zeros;
    args.yStride = columns;
    args.scratch = scratch + sumBytes();
    for (size_t row = 0; row < args.rows; ++row) {
      blockSum->run({args.x + row * depth, args.blocks, args.pairs, args.lastPairs,
                     sums + row * args.blocks});
    }
    const auto width = static_cast<size_t>(layout.kernel->columns);
    const size_t end = layout.panels * (share + 1) / panelParts;
    for (size_t panel = layout.panels * share / panelParts; panel < end; ++panel) {
      const size_t column = panel * width;
      args.panel = packed->data() + panel * layout.panelBytes;
      args.bias = bias == nullptr ? nullptr : bias + column;
      args.y = context.out<float>(y) + first * columns + column;
      args.columns = std::min(width, columns - column);
      layout.kernel->run(args);
    }
  });
}

Status takeWeights(const StepView& step, const PrepareContext& context, const TensorInfo& x,
                   NibbleMatrix* matrix) {
  const TensorInfo *weight = inputAt(step, 2), *scale = inputAt(step, 3), *zero = inputAt(step, 4);
  const int32_t block = step.as<MatMulInt4Params>().blockSize;
  if (block < 16 || block > kMostBlock || block % 8 != 0) {
    return badStep("blockSize must be a multiple of 8 from 16 to 65536");
  }
  if (!isType(weight, {DataType::kUint8}) || !isType(scale, {DataType::kFloat32}) ||
      weight->rank != 3 || scale->rank != 2) {
    return badStep("weight must be uint8 [N, blocks, blockSize / 2], scale float32 [N, blocks]");
  }
  const int64_t depth = x.dims[x.rank - 1], blocks = (depth + block - 1) / block;
  if (weight->dims[1] != blocks || weight->dims[2] != block / 2 ||
      scale->dims[0] != weight->dims[0] || scale->dims[1] != blocks) {
    return badStep("weight and scale must have a block for every blockSize elements of x's rows");
  }
  const auto nibbles = context.weight<uint8_t>(*weight);
  const auto scales = context.weight<float>(*scale);
  if (!nibbles || !scales) return badStep("weight and scale must be constants");
  *matrix = {nibbles.data(),
             scales.data(),
             nullptr,
             static_cast<size_t>(weight->dims[0]),
             static_cast<size_t>(depth),
             static_cast<size_t>(block)};
  if (zero != nullptr) {
    if (zero->type != DataType::kUint8 || zero->count != weight->dims[0] * ((blocks + 1) / 2)) {
      return badStep("zeroPoint must be uint8 [N, blocks / 2 rounded up]");
    }
    const auto zeros = context.weight<uint8_t>(*zero);
    if (!zeros) return badStep("zeroPoint must be a constant");
    matrix->zero = zeros.data();
  }
  return {};
}

}  // namespace

Status prepareMatMulInt4(const StepView& step, const PrepareContext& context,
                         std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *xScale = inputAt(step, 1), *y = outputAt(step, 0);
  if (!isType(x, {DataType::kInt8}) || !isType(xScale, {DataType::kFloat32}) ||
      !isType(y, {DataType::kFloat32}) || x->rank < 1 || y->rank != x->rank) {
    return badStep("x must be int8 [..., K], xScale and y float32");
  }
  NibbleMatrix matrix{};
  OCTAVO_RETURN_IF_ERROR(takeWeights(step, context, *x, &matrix));
  int64_t rows = 1;
  for (int axis = 0; axis + 1 < x->rank; ++axis) {
    if (y->dims[axis] != x->dims[axis]) return badStep("y [..., N] must have the rows of x");
    rows *= x->dims[axis];
  }
  if (y->dims[y->rank - 1] != static_cast<int64_t>(matrix.columns) || xScale->count != rows) {
    return badStep("y must have a column for each of weight, xScale an element for each row");
  }
  auto product = std::make_unique<MatMulInt4Step>();
  const TensorInfo* bias = inputAt(step, 5);
  if (bias != nullptr) {
    if (bias->type != DataType::kFloat32 || bias->count != y->dims[y->rank - 1]) {
      return badStep("bias must be float32 with an element for each column");
    }
    product->bias = context.constant<float>(*bias);
    if (product->bias == nullptr) return badStep("bias must be a constant");
  }
  product->x = *x;
  product->xScale = *xScale;
  product->y = *y;
  product->rows = static_cast<size_t>(rows);
  product->depth = matrix.depth;
  product->columns = matrix.columns;
  product->layout = layoutNibbles(context.isa, matrix);
  product->blockSum = &chooseBlockSum(context.isa);
  const auto pack = [&] { return packNibbles(product->layout, matrix); };
  const TensorInfo *weight = inputAt(step, 2), *scale = inputAt(step, 3), *zero = inputAt(step, 4);
  std::string form = product->layout.form(matrix);
  bool shared = true;
  for (const TensorInfo* tensor : {weight, scale, zero}) {
    if (tensor == nullptr) continue;
    shared = shared && tensor->space == Space::kModel;
    form += ' ' + std::to_string(tensor->offset);
  }
  product->packed = shared ? context.packs.get(*weight, form, pack)
                           : std::make_shared<const AlignedBuffer>(pack());
  if (y->count > 0) product->cut();
  *prepared = std::move(product);
  return {};
}

}  // namespace octavo
