// Depthwise QConv of any window: rows of outputs over blocks of channels. A part of the work is a
// run of output rows of one image; the pointers to the padded input rows it needs are laid out
// once, as a grid, so that borders need no code of their own. What the zero point and the scale of
// x decide, where they are computed, each part makes for itself.
#include <algorithm>
#include <cstring>
#include <vector>

#include "native/ops/parts.h"
#include "native/ops/qdepthwise.h"

namespace octavo {
namespace {

// Pointers of the grid of one part.
constexpr size_t kMostPointers = 32 << 10;
// Multiplications worth handing to another thread, and how finely the work is cut at most.
constexpr double kPartWork = 2.5e5;
constexpr double kMostParts = 32;

class TapsStep final : public QDepthwiseStep {
 public:
  size_t scratchBytes() const override {
    return tablesAt() + (terms.present ? tableBytes() + channelsOf() + kTensorSlack : 0);
  }
  void run(const RunContext& context) const override;

 private:
  bool prepareForm() override;
  int64_t gridRows(int64_t outputs) const {
    return (outputs - 1) * window.h.stride + (window.h.kernel - 1) * window.h.dilation + 1;
  }
  void fillGrid(const uint8_t* image, int64_t first, int64_t outputs, const uint8_t* zeros,
                const uint8_t** grid) const;
  // Scratch memory: the grid, and where terms are computed bias and multiplier of all positions and
  // a pixel of zero points.
  size_t tablesAt() const {
    return roundUp(static_cast<size_t>(gridRows(rows) * width) * sizeof(void*), kTensorAlignment);
  }
  size_t tableBytes() const { return 2 * layout.positions * sizeof(int32_t); }
  size_t channelsOf() const { return static_cast<size_t>(window.channels); }
  void fillTables(const QTermValues& values, int32_t* bias) const;

  std::vector<int32_t> tapAt;
  int64_t rows = 0;   // output rows of a part
  int64_t width = 0;  // of the grid
};

void TapsStep::run(const RunContext& context) const {
  const int64_t perImage = (window.h.output + rows - 1) / rows;
  const int64_t imageBytes = window.h.input * window.w.input * window.channels;
  const QTermValues values = valuesOf(terms, context);
  const auto body = [&](size_t part, size_t worker) {
    const int64_t image = static_cast<int64_t>(part) / perImage;
    const int64_t first = static_cast<int64_t>(part) % perImage * rows;
    const int64_t outputs = std::min(rows, window.h.output - first);
    uint8_t* const scratch = context.scratchOf(worker);
    auto* grid = reinterpret_cast<const uint8_t**>(scratch);
    auto* bias = reinterpret_cast<int32_t*>(scratch + tablesAt());
    const uint8_t* zeros = padding.data();
    if (terms.present) {
      fillTables(values, bias);
      uint8_t* const pixel = scratch + tablesAt() + tableBytes();
      std::memset(pixel, values.xZero, channelsOf());
      zeros = pixel;
    }
    fillGrid(context.in<uint8_t>(x) + image * imageBytes, first, outputs, zeros, grid);
    DepthwiseArgs args = base;
    for (int64_t row = 0; row < outputs; ++row) {
      args.taps.grid = grid + row * window.h.stride * width;
      const int64_t pixel = (image * window.h.output + first + row) * window.w.output;
      uint8_t* out = resultsOf(context, static_cast<size_t>(pixel));
      for (const ChannelBlock& block : layout.blocks) {
        selectBlock(block, &args);
        if (terms.present) {
          args.bias = bias + block.position;
          args.multiplier = reinterpret_cast<float*>(bias + layout.positions) + block.position;
        }
        args.y = out + block.channel * elementBytes;
        block.kernel->run(args);
      }
    }
  };
  context.team.forEach(static_cast<size_t>(window.batch * perImage), body);
}

void TapsStep::fillTables(const QTermValues& values, int32_t* bias) const {
  const auto* starts = reinterpret_cast<const int32_t*>(tables.data());
  const auto* multiplier = reinterpret_cast<const float*>(starts + layout.positions);
  const auto* sums = starts + 3 * layout.positions;
  auto* scaled = reinterpret_cast<float*>(bias + layout.positions);
  for (size_t p = 0; p < layout.positions; ++p) {
    bias[p] =
        static_cast<int32_t>(static_cast<uint32_t>(starts[p]) -
                             static_cast<uint32_t>(values.xZero) * static_cast<uint32_t>(sums[p]));
    scaled[p] = values.xScale * multiplier[p];
  }
}

// The grid's row r is input row origin(first) + r, column c is input column c - pad.
void TapsStep::fillGrid(const uint8_t* image, int64_t first, int64_t outputs, const uint8_t* zeros,
                        const uint8_t** grid) const {
  const int64_t channels = window.channels, top = window.h.origin(first);
  const int64_t left = std::min(window.w.pad, width);
  const int64_t right = std::min(window.w.pad + window.w.input, width);
  for (int64_t r = 0; r < gridRows(outputs); ++r) {
    const uint8_t** out = grid + r * width;
    int64_t column = 0;
    if (window.h.contains(top + r)) {
      const uint8_t* in = image + (top + r) * window.w.input * channels;
      for (; column < left; ++column) out[column] = zeros;
      for (; column < right; ++column, in += channels) out[column] = in;
    }
    for (; column < width; ++column) out[column] = zeros;
  }
}

bool TapsStep::prepareForm() {
  width = (window.w.output - 1) * window.w.stride + (window.w.kernel - 1) * window.w.dilation + 1;
  const auto most = static_cast<int64_t>(kMostPointers);
  if (width > most || gridRows(1) > most / width) return false;

  const double cells = static_cast<double>(window.cells());
  const double rowWork = static_cast<double>(window.w.output * window.channels) * cells;
  const double work = rowWork * static_cast<double>(window.batch * window.h.output);
  const double partWork = std::max(kPartWork, work / kMostParts);
  rows = std::clamp(static_cast<int64_t>(partWork / rowWork), int64_t{1}, window.h.output);
  while (gridRows(rows) > most / width) rows = (rows + 1) / 2;

  for (size_t i = 0; i < 4 * layout.quads; ++i) {
    const int64_t cell = std::max<int64_t>(layout.cellAt(i), 0), kernelW = window.w.kernel;
    const int64_t kh = cell / kernelW, kw = cell % kernelW;
    tapAt.push_back(static_cast<int32_t>(kh * window.h.dilation * width + kw * window.w.dilation));
  }
  base.taps.tapAt = tapAt.data();
  base.taps.step = static_cast<size_t>(window.w.stride);
  base.outputs = static_cast<size_t>(window.w.output);
  return true;
}

}  // namespace

std::unique_ptr<QDepthwiseStep> makeQDepthwiseTaps() { return std::make_unique<TapsStep>(); }

}  // namespace octavo
