#include "native/pack/panels.h"

#include <algorithm>
#include <cstring>

#include "native/kernels/transpose/transpose.h"
#include "native/pack/quads.h"

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

  // Packs a panel of the group that lies at `group`, from the group's weights.
  void pack(const Panel& panel, const int8_t* weight, uint8_t* group);

 private:
  void findColumns(const Panel& panel, const int8_t* weight);
  uint32_t markLarge(size_t first);
  void sumTap(const Panel& panel, const int8_t* weight, size_t tap, TapSums* sums) const;
  void packTap(const DotKernel& kernel, size_t first, uint8_t* out);
  void packMixedTap(const DotKernel& kernel, size_t first, uint32_t small, uint32_t* order,
                    uint8_t* out);
  void turn(const DotKernel& kernel, size_t first, size_t bytes, uint8_t* to);

  const PanelLayout& layout_;
  const Isa isa_;
  std::vector<const int8_t*> columns_;  // by position; null where there is none
  std::vector<uint32_t> large_;         // a mask of a tap's quads, for kMixed
  AlignedBuffer chunk_, turned_;        // of all columns: one after the other, and in groups
};

void PanelPacker::pack(const Panel& panel, const int8_t* weight, uint8_t* group) {
  const DotKernel& kernel = *panel.kernel;
  findColumns(panel, weight);
  auto* order = reinterpret_cast<uint32_t*>(group + panel.order);
  uint32_t* small = order + layout_.taps * layout_.quads;
  auto* sums = reinterpret_cast<TapSums*>(group + layout_.sums);
  uint8_t* out = group + panel.weights;
  for (size_t tap = 0; tap < layout_.taps; ++tap) {
    const size_t first = tap * layout_.depth;
    if (kernel.form == DotForm::kMixed) {
      small[tap] = markLarge(first);
      packMixedTap(kernel, first, small[tap], order + tap * layout_.quads, out);
    } else {
      packTap(kernel, first, out);
    }
    sumTap(panel, weight, tap, sums);
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
  turned_ = AlignedBuffer(width * kChunk);
}

// Marks the quads of a tap that are large in any column; returns how many are not.
uint32_t PanelPacker::markLarge(size_t first) {
  large_.assign(roundUp(layout_.quads, 2), 0);
  for (const int8_t* column : columns_) {
    if (column != nullptr) markLargeQuads(column + first, layout_.depth, large_.data());
  }
  const auto end = large_.begin() + static_cast<ptrdiff_t>(layout_.quads);
  return static_cast<uint32_t>(std::count(large_.begin(), end, 0));
}

void PanelPacker::sumTap(const Panel& panel, const int8_t* weight, size_t tap,
                         TapSums* sums) const {
  const DotForm form = panel.kernel->form;
  for (size_t column = panel.column; column < panel.column + panel.columns; ++column) {
    const int8_t* weights = weight + (column * layout_.taps + tap) * layout_.depth;
    const uint32_t all = sumQuads(weights, layout_.depth, nullptr);
    const uint32_t shifted = form == DotForm::kDirect ? 0
                             : form == DotForm::kMixed
                                 ? sumQuads(weights, layout_.depth, large_.data())
                                 : all;
    sums[column * layout_.taps + tap] = {all, shifted};
  }
}

void PanelPacker::packTap(const DotKernel& kernel, size_t first, uint8_t* out) {
  for (size_t k = 0; k < layout_.depth; k += kChunk) {
    turn(kernel, first + k, std::min(kChunk, layout_.depth - k), out + k * columns_.size());
  }
}

// The small quads come first.
void PanelPacker::packMixedTap(const DotKernel& kernel, size_t first, uint32_t small,
                               uint32_t* order, uint8_t* out) {
  const size_t quadBytes = 4 * columns_.size();
  size_t nextSmall = 0, nextLarge = small;
  for (size_t q = 0; q < layout_.quads; ++q) {
    const size_t inChunk = q % (kChunk / 4);
    if (inChunk == 0) {
      turn(kernel, first + 4 * q, std::min(kChunk, layout_.depth - 4 * q), turned_.data());
    }
    const size_t place = large_[q] == 0 ? nextSmall++ : nextLarge++;
    order[place] = static_cast<uint32_t>(4 * q);
    std::memcpy(out + place * quadBytes, turned_.data() + inChunk * quadBytes, quadBytes);
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
    const size_t order =
        layout.weightBytes + alignUp(taps * divideUp(depth, bytes) * bytes * width);
    layout.panels.push_back({&kernel, column, taken, layout.weightBytes, layout.positions, order});
    layout.positions += divideUp(width, 16) * 16;
    const size_t numbers = kernel.form == DotForm::kMixed ? taps * (layout.quads + 1) : 0;
    layout.weightBytes = order + alignUp(numbers * sizeof(uint32_t));
    column += taken;
  }
  layout.sums = layout.weightBytes;
  layout.weightBytes += alignUp(columns * taps * sizeof(TapSums));
  return layout;
}

AlignedBuffer packPanels(const PanelLayout& layout, size_t groups, Isa isa, const int8_t* weight) {
  AlignedBuffer packed(groups * layout.weightBytes + kPanelSlack, Pages::kAtOnce);
  PanelPacker packer(layout, isa);
  for (size_t group = 0; group < groups; ++group) {
    const int8_t* weights = weight + group * layout.columns * layout.taps * layout.depth;
    for (const Panel& panel : layout.panels) {
      packer.pack(panel, weights, packed.data() + group * layout.weightBytes);
    }
  }
  return packed;
}

const TapSums* tapSumsOf(const PanelLayout& layout, size_t group, const AlignedBuffer& packed) {
  return reinterpret_cast<const TapSums*>(packed.data() + group * layout.weightBytes + layout.sums);
}

QuadOrder orderOf(const PanelLayout& layout, const Panel& panel, size_t group,
                  const AlignedBuffer& packed) {
  if (panel.kernel->form != DotForm::kMixed) return {nullptr, nullptr};
  const uint8_t* at = packed.data() + group * layout.weightBytes + panel.order;
  const auto* order = reinterpret_cast<const uint32_t*>(at);
  return {order, order + layout.taps * layout.quads};
}

}  // namespace octavo
