#include "native/pack/panels.h"

#include <algorithm>
#include <cstring>

#include "native/kernels/transpose/transpose.h"
#include "native/pack/lanes.h"
#include "native/pack/smallquads.h"

namespace octavo {
namespace {

size_t divideUp(size_t a, size_t b) { return (a + b - 1) / b; }

size_t roundUp(size_t a, size_t b) { return divideUp(a, b) * b; }

size_t alignUp(size_t bytes) { return roundUp(bytes, kTensorAlignment); }

// Bytes of a column that are packed at a time: those of a panel fit the first-level cache. Copies
// of columns lie so far apart that they take different sets of it.
constexpr size_t kChunk = 512, kChunkStride = kChunk + 64;

// Packs panels, one after the other.
class PanelPacker {
 public:
  PanelPacker(const PanelLayout& layout, Isa isa) : layout_(layout), isa_(isa) {}

  // Packs a panel of the group that lies at `group`, from the group's weights. `small` takes its
  // quads where it is of kSmall.
  void pack(const Panel& panel, const int8_t* weight, uint8_t* group, SmallQuads* small);

 private:
  void findColumns(const Panel& panel, const int8_t* weight);
  void sumTaps(const Panel& panel, const int8_t* weight, uint32_t* sums) const;
  void packTap(const DotKernel& kernel, size_t first, uint8_t* out);
  void turn(const DotKernel& kernel, size_t first, size_t bytes, uint8_t* to);

  const PanelLayout& layout_;
  const Isa isa_;
  std::vector<const int8_t*> columns_;  // by position; null where there is none
  AlignedBuffer chunk_;                 // of all columns, one after the other
};

void PanelPacker::pack(const Panel& panel, const int8_t* weight, uint8_t* group,
                       SmallQuads* small) {
  const DotKernel& kernel = *panel.kernel;
  findColumns(panel, weight);
  sumTaps(panel, weight, reinterpret_cast<uint32_t*>(group + layout_.sums));
  uint8_t* out = group + panel.weights;
  if (kernel.form == DotForm::kSmall) {
    small->add(columns_, layout_.taps, layout_.depth, reinterpret_cast<QuadSpan*>(out));
    return;
  }
  for (size_t tap = 0; tap < layout_.taps; ++tap) {
    packTap(kernel, tap * layout_.depth, out);
    out += roundUp(layout_.depth, static_cast<size_t>(kernel.group)) * columns_.size();
  }
}

void PanelPacker::findColumns(const Panel& panel, const int8_t* weight) {
  const auto width = static_cast<size_t>(panel.kernel->columns);
  columns_.assign(width, nullptr);
  for (size_t p = 0; p < width; ++p) {
    const auto column =
        static_cast<size_t>(panelColumn(static_cast<int>(p), *panel.kernel, layout_.output));
    if (column >= panel.columns) continue;
    columns_[p] = weight + (panel.column + column) * layout_.taps * layout_.depth;
  }
  if (chunk_.bytes() >= width * kChunkStride) return;
  chunk_ = AlignedBuffer(width * kChunkStride);
}

void PanelPacker::sumTaps(const Panel& panel, const int8_t* weight, uint32_t* sums) const {
  const size_t end = (panel.column + panel.columns) * layout_.taps;
  for (size_t tap = panel.column * layout_.taps; tap < end; ++tap) {
    sums[tap] = sumWeights(weight + tap * layout_.depth, layout_.depth);
  }
}

void PanelPacker::packTap(const DotKernel& kernel, size_t first, uint8_t* out) {
  for (size_t k = 0; k < layout_.depth; k += kChunk) {
    turn(kernel, first + k, std::min(kChunk, layout_.depth - k), out + k * columns_.size());
  }
}

// Packs a chunk of all columns, in groups and in their order.
void PanelPacker::turn(const DotKernel& kernel, size_t first, size_t bytes, uint8_t* to) {
  const auto group = static_cast<size_t>(kernel.group);
  const size_t padded = roundUp(bytes, group);
  uint8_t* row = chunk_.data();
  for (const int8_t* column : columns_) {
    const size_t taken = column == nullptr ? 0 : bytes;
    if (taken > 0) std::memcpy(row, column + first, taken);
    std::memset(row + taken, 0, padded - taken);
    row += kChunkStride;
  }
  const size_t width = columns_.size();
  chooseTranspose(isa_, group)
      .run({chunk_.data(), to, kChunkStride / group, width, width, padded / group});
}

}  // namespace

std::string PanelLayout::form(size_t groups) const {
  std::string text = output == DotOutput::kUint8 ? "dot to bytes" : "dot to words";
  for (size_t n : {groups, columns, taps, depth}) text += ' ' + std::to_string(n);
  // The rest of the cut follows from the first panel's kernel.
  return text + ' ' + (panels.empty() ? "" : panels[0].kernel->name);
}

PanelLayout layoutPanels(Isa isa, DotOutput output, bool minus128, size_t columns, size_t taps,
                         size_t depth, const DotKernel* forced) {
  PanelLayout layout{output, columns, taps, depth, divideUp(depth, 4), 0, 0, 0, {}};
  for (size_t column = 0; column < columns;) {
    const DotKernel& kernel =
        forced == nullptr ? chooseDot(isa, minus128, columns - column) : *forced;
    const auto width = static_cast<size_t>(kernel.columns);
    const size_t taken = std::min(width, columns - column);
    const auto bytes = static_cast<size_t>(kernel.group);
    layout.panels.push_back({&kernel, column, taken, layout.weightBytes, layout.positions});
    layout.positions += divideUp(width, 16) * 16;
    layout.weightBytes += kernel.form == DotForm::kSmall
                              ? (taps + 1) * sizeof(QuadSpan)
                              : alignUp(taps * divideUp(depth, bytes) * bytes * width);
    column += taken;
  }
  layout.sums = layout.weightBytes;
  layout.weightBytes = alignUp(layout.weightBytes + columns * taps * sizeof(uint32_t));
  return layout;
}

AlignedBuffer packPanels(const PanelLayout& layout, size_t groups, Isa isa, const int8_t* weight) {
  const size_t bytes = groups * layout.weightBytes;
  AlignedBuffer packed(bytes + kPanelSlack, Pages::kAtOnce);
  PanelPacker packer(layout, isa);
  const bool isSmall = !layout.panels.empty() && layout.panels[0].kernel->form == DotForm::kSmall;
  SmallQuads small(isSmall ? groups * layout.columns * layout.taps * layout.depth : 0);
  for (size_t group = 0; group < groups; ++group) {
    const int8_t* weights = weight + group * layout.columns * layout.taps * layout.depth;
    for (const Panel& panel : layout.panels) {
      packer.pack(panel, weights, packed.data() + group * layout.weightBytes, &small);
    }
  }
  if (small.count() == 0) return packed;
  const size_t weightBytes = small.weights().size() * sizeof(uint64_t);
  AlignedBuffer all(bytes + weightBytes + small.count() * sizeof(uint32_t), Pages::kAtOnce);
  std::memcpy(all.data(), packed.data(), bytes);
  std::memcpy(all.data() + bytes, small.weights().data(), weightBytes);
  std::memcpy(all.data() + bytes + weightBytes, small.order().data(),
              small.count() * sizeof(uint32_t));
  return all;
}

const uint32_t* tapSumsOf(const PanelLayout& layout, size_t group, const AlignedBuffer& packed) {
  return reinterpret_cast<const uint32_t*>(packed.data() + group * layout.weightBytes +
                                           layout.sums);
}

SmallPanels smallPanelsOf(const PanelLayout& layout, size_t groups, const AlignedBuffer& packed) {
  if (layout.panels.empty() || layout.panels[0].kernel->form != DotForm::kSmall) return {};
  const uint8_t* weights = packed.data() + groups * layout.weightBytes;
  const auto* last = reinterpret_cast<const QuadSpan*>(weights - layout.weightBytes +
                                                       layout.panels.back().weights);
  const size_t quads = last[layout.taps].one;
  const auto quadBytes = static_cast<size_t>(4 * layout.panels[0].kernel->columns);
  return {reinterpret_cast<const int8_t*>(weights),
          reinterpret_cast<const uint32_t*>(weights + quads * quadBytes), quads};
}

}  // namespace octavo
