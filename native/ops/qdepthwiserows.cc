// Depthwise QConv of windows with stride 1 or 2: strips of columns over blocks of channels. A part
// of the work is a band of output rows and some of the blocks; a band reads a few input rows more
// than its outputs take, so bands are not short where blocks can be shared out instead.
#include <algorithm>

#include "native/ops/parts.h"
#include "native/ops/qdepthwise.h"

namespace octavo {
namespace {

// Multiplications that are worth handing to another thread, at least, for each 128 bits of a
// vector: a few times as long as a fork and a join take. The rows of a band at least.
constexpr int64_t kLeastWork = 80'000;
constexpr int64_t kLeastRows = 28;
// Bytes of cells that stay in the innermost cache beside inputs and outputs, where a kernel goes
// over them for each row and for each two rows, and the most that a window may take.
constexpr size_t kCellBytes = 24 << 10;
constexpr size_t kPairedCellBytes = 32 << 10;
constexpr size_t kMostCellBytes = 1 << 20;
// Strips are made of as many cells, which fill a vector of any kernel.
constexpr size_t kStripUnit = 4;

class RowsStep final : public QDepthwiseStep {
 public:
  size_t scratchBytes() const override { return rowsAt() + bandRows() * sizeof(void*); }
  void run(const RunContext& context) const override;

 private:
  bool prepareForm() override;
  void fillQuads(const ChannelBlock& block, const DepthwiseArgs& args,
                 const uint8_t** quadAt) const;
  void runPart(const RunContext& context, size_t part, uint8_t* scratch) const;

  // Input rows that a window, and a band, reach over.
  size_t span() const { return static_cast<size_t>((window.h.kernel - 1) * window.h.dilation + 1); }
  size_t bandRows() const { return (rows - 1) * static_cast<size_t>(window.h.stride) + span(); }
  // Cells of a row that vectors are read from, and bytes of a plane of them.
  size_t planeBytes(size_t cells, size_t channels) const {
    return roundUp((cells + 2 * layout.rowQuads + kStripUnit) * channels, kTensorAlignment);
  }
  size_t cellBytes(size_t cells) const {
    size_t most = 0;
    for (const ChannelBlock& block : layout.blocks) {
      const auto channels = static_cast<size_t>(block.kernel->channels);
      most = std::max(most, 4 * planeBytes(cells, channels));
    }
    return most * span();
  }
  // Whether those that a kernel goes over again stay in the innermost cache.
  bool fitsCache(size_t cells) const {
    if (base.rows.newest == 0 || !layout.blocks[0].kernel->inPairs()) {
      return cellBytes(cells) <= kCellBytes;
    }
    return cellBytes(cells) / span() * (span() - base.rows.newest) <= kPairedCellBytes;
  }
  // Scratch memory: rows of cells, pointers of quads, pointers of input rows.
  size_t quadsAt() const { return cellBytes(stripCells) + kTensorSlack; }
  size_t rowsAt() const { return quadsAt() + span() * layout.quads * sizeof(void*); }

  size_t stripCells = 0, strips = 0;
  size_t rows = 0, bands = 0;     // output rows of a band, bands of an image
  size_t blocks = 0, groups = 0;  // blocks of a part, parts of a band
};

bool RowsStep::prepareForm() {
  const int64_t height = window.h.output, batch = window.batch;
  const auto count = static_cast<int64_t>(layout.blocks.size());
  const double work = static_cast<double>(batch * height * window.w.output) *
                      static_cast<double>(window.channels * window.cells());
  const double least = static_cast<double>(kLeastWork * layout.blocks[0].kernel->lanes);
  const auto wanted = static_cast<int64_t>(evenParts(work / least));
  const int64_t perImage = std::max<int64_t>(wanted / batch, 1);
  const int64_t cut = std::clamp<int64_t>(height / kLeastRows, 1, perImage);
  rows = roundUp(static_cast<size_t>((height + cut - 1) / cut), 2);  // kernels compute pairs
  bands = divideUp(static_cast<size_t>(height), rows);
  const int64_t shared = std::clamp<int64_t>(perImage / static_cast<int64_t>(bands), 1, count);
  blocks = static_cast<size_t>((count + shared - 1) / shared);
  groups = divideUp(static_cast<size_t>(count), blocks);

  DepthwiseRows& args = base.rows;
  args.pixelStride = static_cast<size_t>(window.channels);
  args.width = window.w.input;
  args.stride = static_cast<size_t>(window.h.stride);
  args.span = span();
  const bool three = layout.quads == 3 && args.span == 3 && args.stride <= 2;
  args.newest = three ? args.stride : 0;
  args.reach = 2 * (layout.rowQuads - 1);
  args.shifts = layout.shifts;
  args.yRow = static_cast<size_t>(window.w.output) * base.yStride;

  const size_t width = divideUp(static_cast<size_t>(window.w.output), layout.shifts);
  size_t most = kStripUnit;
  while (most < width && fitsCache(most + kStripUnit)) most += kStripUnit;
  stripCells = roundUp(divideUp(width, divideUp(width, most)), kStripUnit);
  strips = divideUp(width, stripCells);
  if (span() > kMostCellBytes || cellBytes(stripCells) > kMostCellBytes) return false;
  return true;
}

void RowsStep::run(const RunContext& context) const {
  const size_t parts = static_cast<size_t>(window.batch) * bands * groups;
  context.team.forEach(parts, [&](size_t part, size_t worker) {
    runPart(context, part, context.scratchOf(worker));
  });
}

void RowsStep::fillQuads(const ChannelBlock& block, const DepthwiseArgs& args,
                         const uint8_t** quadAt) const {
  const DepthwiseKernel& kernel = *block.kernel;
  const bool fills = kernel.channels == 16 * kernel.lanes;
  const auto cell = static_cast<size_t>(fills ? 4 * kernel.channels : kernel.channels);
  const size_t dilation = static_cast<size_t>(window.h.dilation);
  for (size_t slot = 0; slot < span(); ++slot) {
    for (size_t layer = 0; layer < layout.layers; ++layer) {
      for (size_t row = 0; row < layout.kernelH; ++row) {
        const size_t sum = slot + row * dilation, at = sum < span() ? sum : sum - span();
        for (size_t q = 0; q < layout.rowQuads; ++q) {
          *quadAt++ = args.rows.cells + 4 * at * args.rows.plane + 2 * q * cell;
        }
      }
    }
  }
}

void RowsStep::runPart(const RunContext& context, size_t part, uint8_t* scratch) const {
  const size_t group = part % groups, band = part / groups % bands, image = part / groups / bands;
  const size_t first = band * rows;
  const auto height = static_cast<size_t>(window.h.output);
  DepthwiseArgs args = base;
  args.rows.count = std::min(rows, height - first);
  args.rows.cells = scratch;
  auto* quadAt = reinterpret_cast<const uint8_t**>(scratch + quadsAt());
  args.rows.quadAt = quadAt;

  auto* pointers = reinterpret_cast<const uint8_t**>(scratch + rowsAt());
  const int64_t top = window.h.origin(static_cast<int64_t>(first));
  const uint8_t* x0 = context.in<uint8_t>(x);
  for (size_t r = 0; r < bandRows(); ++r) {
    const int64_t row = top + static_cast<int64_t>(r);
    const int64_t pixel = (static_cast<int64_t>(image) * window.h.input + row) * window.w.input;
    pointers[r] = window.h.contains(row) ? x0 + pixel * window.channels : nullptr;
  }
  args.rows.rows = pointers;

  const size_t begin = group * blocks, end = std::min(layout.blocks.size(), begin + blocks);
  const size_t stripOutputs = stripCells * layout.shifts;
  uint8_t* y0 = resultsOf(context, 0) + (image * height + first) * args.rows.yRow;
  const DepthwiseKernel* filled = nullptr;  // whose cells quadAt is for
  for (size_t strip = 0; strip < strips; ++strip) {
    const size_t output = strip * stripOutputs;
    args.outputs = std::min(stripOutputs, static_cast<size_t>(window.w.output) - output);
    args.rows.column = window.w.origin(static_cast<int64_t>(output));
    for (size_t i = begin; i < end; ++i) {
      const ChannelBlock& block = layout.blocks[i];
      selectBlock(block, &args);
      args.rows.plane = planeBytes(stripCells, static_cast<size_t>(block.kernel->channels));
      if (block.kernel != filled) fillQuads(block, args, quadAt);
      filled = block.kernel;
      args.y = y0 + output * base.yStride + block.channel;
      block.kernel->run(args);
    }
  }
}

}  // namespace

std::unique_ptr<QDepthwiseStep> makeQDepthwiseRows() { return std::make_unique<RowsStep>(); }

}  // namespace octavo
