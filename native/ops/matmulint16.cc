// MatMulInt16: products of int16, summed in 64 bits. A part of the work is a strip of rows and a
// share of the panels.
#include <cmath>

#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/pack/words.h"

namespace octavo {
namespace {

// Rows of a strip, a multiple of what the kernels' tiles have.
constexpr size_t kMostRows = 48;
// Multiplications worth handing to another thread.
constexpr double kPartWork = 1e6;
// So that no sum leaves what a double holds exactly, which the reference adds in.
constexpr int64_t kMostDepth = 1 << 22;

class MatMulInt16Step final : public PreparedStep {
 public:
  TensorInfo x, y;
  const float* multiplier = nullptr;
  const int32_t* bias = nullptr;
  WordLayout layout{};
  PackedBuffer packed;
  Dot16Args base{};  // what all calls share
  size_t rows = 0, strip = 0, strips = 0, panelParts = 0;

  void cut();
  void run(const RunContext& context) const override;
};

void MatMulInt16Step::cut() {
  const double work = static_cast<double>(rows) * static_cast<double>(layout.columns) *
                      static_cast<double>(layout.depth);
  const auto parts =
      static_cast<size_t>(std::clamp(work / kPartWork, 1.0, static_cast<double>(kMostParts)));
  strip = std::min(rows, kMostRows);
  strips = divideUp(rows, strip);
  panelParts = std::min(layout.panels, divideUp(parts, strips));
}

void MatMulInt16Step::run(const RunContext& context) const {
  if (y.count == 0) return;
  const auto width = static_cast<size_t>(layout.kernel->columns);
  const size_t elementBytes = y.bytes / static_cast<size_t>(y.count);
  context.team.forEach(strips * panelParts, [&](size_t part, size_t) {
    const size_t share = part % panelParts, first = part / panelParts * strip;
    Dot16Args args = base;
    args.x = context.in<int16_t>(x) + first * layout.depth;
    args.rows = std::min(strip, rows - first);
    const size_t end = layout.panels * (share + 1) / panelParts;
    for (size_t panel = layout.panels * share / panelParts; panel < end; ++panel) {
      const size_t column = panel * width;
      args.panel = reinterpret_cast<const int16_t*>(packed->data()) + panel * layout.panelWords;
      args.multiplier = multiplier == nullptr ? nullptr : multiplier + column;
      args.bias = bias == nullptr ? nullptr : bias + column;
      args.y = context.out<uint8_t>(y) + (first * layout.columns + column) * elementBytes;
      args.columns = std::min(width, layout.columns - column);
      layout.kernel->run(args);
    }
  });
}

}  // namespace

Status prepareMatMulInt16(const StepView& step, const PrepareContext& context,
                          std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *weight = inputAt(step, 1), *y = outputAt(step, 0);
  if (!isType(x, {DataType::kInt16}) || !isType(weight, {DataType::kInt16}) ||
      !isType(y, {DataType::kInt16, DataType::kInt64, DataType::kFloat32})) {
    return badStep("x and weight must be int16, y int16, int64 or float32");
  }
  if (x->rank != 2 || weight->rank != 2 || y->rank != 2 || weight->dims[1] != x->dims[1] ||
      y->dims[0] != x->dims[0] || y->dims[1] != weight->dims[0] || x->dims[1] > kMostDepth) {
    return badStep("x [M, K], weight [N, K] and y [M, N] disagree");
  }
  const auto& params = step.as<MatMulInt16Params>();
  if (params.min < INT16_MIN || params.max > INT16_MAX || params.min > params.max) {
    return badStep("min and max must be of int16");
  }
  auto product = std::make_unique<MatMulInt16Step>();
  const int64_t columns = y->dims[1];
  OCTAVO_RETURN_IF_ERROR(takeColumns(step, context, 2, DataType::kFloat32, columns, "multiplier",
                                     &product->multiplier));
  OCTAVO_RETURN_IF_ERROR(
      takeColumns(step, context, 3, DataType::kInt32, columns, "bias", &product->bias));
  if ((product->multiplier == nullptr) != (y->type == DataType::kInt64)) {
    return badStep("int16 and float32 results take a multiplier, and others none");
  }
  const auto constant = context.weight<int16_t>(*weight);
  if (!constant) return badStep("weight must be a constant");
  const int16_t* const words = constant.data();
  product->x = *x;
  product->y = *y;
  product->rows = static_cast<size_t>(x->dims[0]);
  product->layout = layoutWords(context.isa, words, static_cast<size_t>(columns),
                                static_cast<size_t>(x->dims[1]));
  const WordLayout& layout = product->layout;
  product->packed =
      context.packs.get(*weight, layout.form(), [&] { return packWords(layout, words); });
  Dot16Args& base = product->base;
  base.xStride = layout.depth;
  base.yStride = layout.columns;
  base.pairs = layout.pairs;
  base.chunk = layout.chunk;
  base.parts = layout.parts;
  base.output = y->type == DataType::kInt16   ? Dot16Output::kInt16
                : y->type == DataType::kInt64 ? Dot16Output::kInt64
                                              : Dot16Output::kFloat32;
  base.min = params.min;
  base.max = params.max;
  if (y->count > 0) product->cut();
  *prepared = std::move(product);
  return {};
}

}  // namespace octavo
