// QConv whose rows come through pointers: tables of them for each strip of rows, made on the way.
#include <algorithm>

#include "native/ops/parts.h"
#include "native/ops/qconv.h"

namespace octavo {
namespace {

// Rows of a strip: a multiple of the tiles of all kernels, and as many as are worth reading the
// weights for, which the next strip reads again.
constexpr size_t kRowUnit = 32;
constexpr size_t kFewRows = 128, kMostRows = 384;
// What the tables of pointers may take of a core's cache.
constexpr size_t kTableBytes = 64 << 10;

class QPointersStep final : public PreparedStep {
 public:
  QPointersStep(QProduct&& from, const RowPointers& rowsFrom, const RowSumKernel* sum)
      : product(std::move(from)), gather(rowsFrom), rowSum(sum) {}

  QProduct product;
  RowPointers gather;
  // Where weights have zero points, which need the sums of rows; else null.
  const RowSumKernel* rowSum;
  AlignedBuffer padding;
  size_t rows = 0, strip = 0, strips = 0, panelParts = 0;

  void cut();
  size_t scratchBytes() const override;
  void run(const RunContext& context) const override;

 private:
  size_t pointerBytes() const { return roundUp(gather.taps() * strip * sizeof(void*), 64); }
  size_t borderBytes() const { return roundUp(gather.borderBytes(strip), 64); }
  // Padding of a zero point that is computed is filled in by each part.
  size_t paddingBytes() const {
    return product.terms.computesZero ? roundUp(gather.depth() + kTensorSlack, 64) : 0;
  }
  void runPart(const RunContext& context, size_t part, uint8_t* scratch) const;
};

// Chooses strips and shares by size alone, so that results don't depend on the number of threads.
void QPointersStep::cut() {
  const size_t perRow = gather.taps() * (sizeof(void*) + gather.borderBytes(1));
  // What a row adds to the bytes that are touched: rows of a window wider than its stride overlap.
  const WindowAxis &h = gather.window.h, &w = gather.window.w;
  const int64_t pixels = std::min(h.stride, h.kernel) * std::min(w.stride, w.kernel);
  const size_t columns = product.columns();
  const size_t rowBytes = static_cast<size_t>(gather.window.channels * pixels) + columns;
  size_t most = std::min(stripBytes() / std::max<size_t>(rowBytes, 1), kTableBytes / perRow);
  most = std::min(std::max(most / kRowUnit, size_t{1}) * kRowUnit, kMostRows);
  const double work = static_cast<double>(rows) * static_cast<double>(gather.taps()) *
                      static_cast<double>(product.layout.depth) * static_cast<double>(columns);
  const size_t parts = productParts(work, product.isa);
  const size_t even = std::max(roundUp(divideUp(rows, parts), kRowUnit), kFewRows);
  strip = std::max<size_t>(std::min({most, even, rows}), 1);
  strips = divideUp(rows, strip);
  panelParts = std::min(product.panels(), divideUp(parts, std::max<size_t>(strips, 1)));
}

size_t QPointersStep::scratchBytes() const {
  // The slack is for what sums of rows read beyond a border's last row.
  const size_t sums = rowSum == nullptr ? 0 : strip * sizeof(int32_t) + kTensorSlack;
  return pointerBytes() + borderBytes() + paddingBytes() + sums;
}

void QPointersStep::run(const RunContext& context) const {
  context.team.forEach(strips * panelParts, [&](size_t part, size_t worker) {
    runPart(context, part, context.scratchOf(worker));
  });
}

void QPointersStep::runPart(const RunContext& context, size_t part, uint8_t* scratch) const {
  const size_t first = part / panelParts * strip, share = part % panelParts;
  DotArgs args = product.argsOf(context);
  args.rows = std::min(strip, rows - first);

  auto* pointers = reinterpret_cast<const uint8_t**>(scratch);
  uint8_t* border = scratch + pointerBytes();
  const QTermValues values = valuesOf(product.terms, context);
  if (values.pixelScales != nullptr) args.rowScale = values.pixelScales + first;
  QTermTables tables;
  uint8_t* zeros = border + borderBytes();
  std::fill_n(zeros, paddingBytes(), static_cast<uint8_t>(values.xZero));
  gather.fill(context.in<uint8_t>(product.x), product.terms.computesZero ? zeros : padding.data(),
              first, args.rows, pointers, border);
  args.a = pointers;
  auto* sums = reinterpret_cast<int32_t*>(zeros + paddingBytes());

  uint8_t* out = context.out<uint8_t>(product.y) + first * args.yStride;
  const size_t panels = product.panels(), depth = product.layout.depth;
  size_t summed = product.groups;  // the group whose rows `sums` holds
  const size_t begin = panels * share / panelParts, end = panels * (share + 1) / panelParts;
  // What comes next on this thread, as far as it is known.
  const size_t ahead = context.team.size() == 1 ? panels : end;
  for (size_t panel = begin; panel < end; ++panel) {
    const size_t group = product.groupOf(panel);
    args.offset = group * depth;
    if (rowSum != nullptr && summed != group) {
      rowSum->run({args.a, args.offset, args.rows, args.taps, depth, sums});
      args.rowSum = sums;
      summed = group;
    }
    product.enter(panel, out, values, &tables, &args);
    const bool fetches = panel + 1 < ahead && product.fetchesAhead();
    args.ahead = fetches ? product.weightsOf(panel + 1) : nullptr;
    args.aheadBytes = fetches ? product.panelBytes(panel + 1) : 0;
    product.kernelOf(panel).run(args);
  }
}

}  // namespace

std::unique_ptr<PreparedStep> makeQPointers(QProduct&& product, const QConvOperands& from,
                                            const QConvParams& params, const RowPointers& gather,
                                            const RowSumKernel* rowSum) {
  auto step = std::make_unique<QPointersStep>(std::move(product), gather, rowSum);
  step->product.addBias(from, params.xZero, {0, static_cast<int64_t>(gather.taps()), 0, 1}, 1);
  step->rows = from.y->count == 0 ? 0 : static_cast<size_t>(gather.window.outputs());
  step->padding = AlignedBuffer(gather.depth());
  std::fill_n(step->padding.data(), gather.depth(), static_cast<uint8_t>(params.xZero));
  step->cut();
  return step;
}

}  // namespace octavo
