#include "native/pack/panels.h"

#include <algorithm>
#include <cstring>

#include "native/kernels/quads/quads.h"
#include "native/kernels/transpose/transpose.h"
#include "native/pack/lanes.h"
#include "native/pack/smallquads.h"
#include "native/round.h"

namespace octavo {
namespace {

size_t alignUp(size_t bytes) { return roundUp(bytes, kTensorAlignment); }

bool isSmall(const PanelLayout& layout) {
  return !layout.panels.empty() && layout.panels[0].kernel->form == DotForm::kSmall;
}

// Bytes of a column that are packed at a time: those of a panel fit the first-level cache. Copies
// of columns lie so far apart that they take different sets of it.
constexpr size_t kChunk = 512, kChunkStride = kChunk + 64;

// Packs panels, one after the other.
class PanelPacker {
 public:
  PanelPacker(const PanelLayout& layout, Isa isa) : layout_(layout), isa_(isa) {}

  // Packs a panel of the group that lies at `group`, from the group's weights.
  void pack(const Panel& panel, const int8_t* weight, uint8_t* group);
  // Likewise one of kSmall, whose quads `small` takes.
  void packSmall(const Panel& panel, const int8_t* weight, uint8_t* group, SmallQuads* small);
  // The weights of a panel's columns by position, null where there is none.
  const std::vector<const int8_t*>& columnsOf(const Panel& panel, const int8_t* weight);

 private:
  void sumTaps(const Panel& panel, const int8_t* weight, uint8_t* group) const;
  void packTap(const DotKernel& kernel, size_t first, uint8_t* out);
  void turn(const DotKernel& kernel, size_t first, size_t bytes, uint8_t* to);

  const PanelLayout& layout_;
  const Isa isa_;
  std::vector<const int8_t*> columns_;  // by position; null where there is none
  AlignedBuffer chunk_;                 // of all columns, one after the other
};

void PanelPacker::pack(const Panel& panel, const int8_t* weight, uint8_t* group) {
  const DotKernel& kernel = *panel.kernel;
  const size_t chunkBytes = columnsOf(panel, weight).size() * kChunkStride;
  if (chunk_.bytes() < chunkBytes) chunk_ = AlignedBuffer(chunkBytes);
  sumTaps(panel, weight, group);
  uint8_t* out = group + panel.weights;
  for (size_t tap = 0; tap < layout_.taps; ++tap) {
    packTap(kernel, tap * layout_.depth, out);
    out += roundUp(layout_.depth, static_cast<size_t>(kernel.group)) * columns_.size();
  }
}

void PanelPacker::packSmall(const Panel& panel, const int8_t* weight, uint8_t* group,
                            SmallQuads* small) {
  sumTaps(panel, weight, group);
  small->put(columnsOf(panel, weight), layout_.taps, layout_.depth,
             reinterpret_cast<QuadSpan*>(group + panel.weights));
}

const std::vector<const int8_t*>& PanelPacker::columnsOf(const Panel& panel, const int8_t* weight) {
  const auto width = static_cast<size_t>(panel.kernel->columns);
  columns_.assign(width, nullptr);
  for (size_t p = 0; p < width; ++p) {
    const auto column =
        static_cast<size_t>(panelColumn(static_cast<int>(p), *panel.kernel, layout_.output));
    if (column >= panel.columns) continue;
    columns_[p] = weight + (panel.column + column) * layout_.taps * layout_.depth;
  }
  return columns_;
}

void PanelPacker::sumTaps(const Panel& panel, const int8_t* weight, uint8_t* group) const {
  auto* sums = reinterpret_cast<uint32_t*>(group + layout_.sums);
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
  PanelPacker packer(layout, isa);
  // Of each panel: its group's weights, and where its group lies.
  const auto forEachPanel = [&](auto&& visit) {
    for (size_t group = 0; group < groups; ++group) {
      const int8_t* weights = weight + group * layout.columns * layout.taps * layout.depth;
      for (const Panel& panel : layout.panels) visit(panel, weights, group * layout.weightBytes);
    }
  };
  const size_t bytes = groups * layout.weightBytes;
  if (!isSmall(layout)) {
    AlignedBuffer packed(bytes + kPanelSlack, Pages::kShared);
    forEachPanel([&](const Panel& panel, const int8_t* weights, size_t at) {
      packer.pack(panel, weights, packed.data() + at);
    });
    return packed;
  }
  SmallQuads small(*chooseQuads(isa));
  forEachPanel([&](const Panel& panel, const int8_t* weights, size_t) {
    small.cover(packer.columnsOf(panel, weights), layout.taps, layout.depth);
  });
  const size_t quads = small.count(), quadBytes = quads * kQuadBytes;
  AlignedBuffer packed(bytes + quadBytes + quads * sizeof(uint32_t), Pages::kShared);
  uint8_t* list = packed.data() + bytes;
  small.startAt({reinterpret_cast<int8_t*>(list), reinterpret_cast<uint32_t*>(list + quadBytes)});
  forEachPanel([&](const Panel& panel, const int8_t* weights, size_t at) {
    packer.packSmall(panel, weights, packed.data() + at, &small);
  });
  return packed;
}

const uint32_t* tapSumsOf(const PanelLayout& layout, size_t group, const AlignedBuffer& packed) {
  return reinterpret_cast<const uint32_t*>(packed.data() + group * layout.weightBytes +
                                           layout.sums);
}

SmallPanels smallPanelsOf(const PanelLayout& layout, size_t groups, const AlignedBuffer& packed) {
  if (!isSmall(layout)) return {};
  const uint8_t* weights = packed.data() + groups * layout.weightBytes;
  const auto* last = reinterpret_cast<const QuadSpan*>(weights - layout.weightBytes +
                                                       layout.panels.back().weights);
  const size_t quads = last[layout.taps].one;
  return {reinterpret_cast<const int8_t*>(weights),
          reinterpret_cast<const uint32_t*>(weights + quads * kQuadBytes), quads};
}

}  // namespace octavo
