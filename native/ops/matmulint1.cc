// MatMulInt1: products of ±1. A part of the work is a strip of rows, copied to whole words, and a
// share of the panels.
#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/pack/bits.h"

namespace octavo {
namespace {

// Rows of a strip, a multiple of what the kernels' tiles have, and what they may take of a cache.
constexpr size_t kRowUnit = 24;
constexpr size_t kMostRows = 96;
constexpr size_t kStripBytes = 16 << 10;
// Multiplications worth handing to another thread.
constexpr double kPartWork = 1e7;

class MatMulInt1Step final : public PreparedStep {
 public:
  TensorInfo x, y;
  const float* multiplier = nullptr;
  const float* bias = nullptr;
  const BitDotKernel* kernel = nullptr;
  PackedBuffer packed;
  size_t rows = 0, depth = 0, columns = 0;
  size_t strip = 0, strips = 0, panels = 0, panelParts = 0;

  void cut();
  size_t scratchBytes() const override { return strip * wordsOf(depth) * sizeof(uint32_t); }
  void run(const RunContext& context) const override;
};

void MatMulInt1Step::cut() {
  const double work =
      static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(depth);
  const auto parts =
      static_cast<size_t>(std::clamp(work / kPartWork, 1.0, static_cast<double>(kMostParts)));
  const size_t rowBytes = wordsOf(depth) * sizeof(uint32_t);
  const size_t fitting = std::clamp(kStripBytes / rowBytes, kRowUnit, kMostRows);
  strip = std::min(rows, fitting / kRowUnit * kRowUnit);
  strips = divideUp(rows, strip);
  panels = divideUp(columns, static_cast<size_t>(kernel->columns));
  panelParts = std::min(panels, divideUp(parts, strips));
}

void MatMulInt1Step::run(const RunContext& context) const {
  if (y.count == 0) return;
  const size_t words = wordsOf(depth), width = static_cast<size_t>(kernel->columns);
  context.team.forEach(strips * panelParts, [&](size_t part, size_t worker) {
    const size_t share = part % panelParts, first = part / panelParts * strip;
    auto* left = reinterpret_cast<uint32_t*>(context.scratchOf(worker));
    BitDotArgs args{};
    args.x = left;
    args.xStride = args.words = words;
    args.rows = std::min(strip, rows - first);
    args.depth = static_cast<int32_t>(depth);
    args.yStride = columns;
    for (size_t row = 0; row < args.rows; ++row) {
      copyBits(context.in<uint8_t>(x), (first + row) * depth, depth, left + row * words);
    }
    const size_t end = panels * (share + 1) / panelParts;
    for (size_t panel = panels * share / panelParts; panel < end; ++panel) {
      const size_t column = panel * width;
      args.panel = reinterpret_cast<const uint32_t*>(packed->data()) + column * words;
      args.multiplier = multiplier == nullptr ? nullptr : multiplier + column;
      args.bias = bias == nullptr ? nullptr : bias + column;
      args.y = context.out<int32_t>(y) + first * columns + column;
      args.columns = std::min(width, columns - column);
      kernel->run(args);
    }
  });
}

}  // namespace

Status prepareMatMulInt1(const StepView& step, const PrepareContext& context,
                         std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *weight = inputAt(step, 1), *y = outputAt(step, 0);
  if (!isType(x, {DataType::kInt1}) || !isType(weight, {DataType::kInt1}) ||
      !isType(y, {DataType::kInt32, DataType::kFloat32})) {
    return badStep("x and weight must be int1, y int32 or float32");
  }
  if (x->rank != 2 || weight->rank != 2 || y->rank != 2 || weight->dims[1] != x->dims[1] ||
      y->dims[0] != x->dims[0] || y->dims[1] != weight->dims[0] || x->dims[1] < 1) {
    return badStep("x [M, K], weight [N, K] and y [M, N] disagree");
  }
  auto product = std::make_unique<MatMulInt1Step>();
  const int64_t columns = y->dims[1];
  OCTAVO_RETURN_IF_ERROR(takeColumns(step, context, 2, DataType::kFloat32, columns, "multiplier",
                                     &product->multiplier));
  OCTAVO_RETURN_IF_ERROR(
      takeColumns(step, context, 3, DataType::kFloat32, columns, "bias", &product->bias));
  const bool scaled = product->multiplier != nullptr;
  if (scaled != (y->type == DataType::kFloat32) || (product->bias != nullptr && !scaled)) {
    return badStep("float32 results take a multiplier, and others neither it nor a bias");
  }
  const auto bits = context.weight<uint8_t>(*weight);
  if (!bits) return badStep("weight must be a constant");
  product->x = *x;
  product->y = *y;
  product->rows = static_cast<size_t>(x->dims[0]);
  product->depth = static_cast<size_t>(x->dims[1]);
  product->columns = static_cast<size_t>(columns);
  product->kernel = &chooseBitDot(context.isa);
  const std::string form = std::string(product->kernel->name) + ' ' + std::to_string(columns) +
                           ' ' + std::to_string(product->depth);
  product->packed = context.packs.get(*weight, form, [&] {
    return packBits(*product->kernel, bits.data(), product->columns, product->depth);
  });
  if (y->count > 0) product->cut();
  *prepared = std::move(product);
  return {};
}

}  // namespace octavo
