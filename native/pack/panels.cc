#include "native/pack/panels.h"

#include <algorithm>
#include <cstring>

namespace octavo {
namespace {

size_t divideUp(size_t a, size_t b) { return (a + b - 1) / b; }

// Packs `depth` bytes of each column from `first` on, groups of kTogether one after the other;
// returns where they end.
template <size_t kTogether>
uint8_t* packTap(const std::vector<const int8_t*>& columns, size_t first, size_t depth,
                 uint8_t* out) {
  const size_t whole = depth / kTogether * kTogether, rest = depth - whole;
  for (size_t k = first; k < first + whole; k += kTogether) {
    for (const int8_t* column : columns) {
      if (column != nullptr) std::memcpy(out, column + k, kTogether);
      out += kTogether;
    }
  }
  if (rest == 0) return out;
  for (const int8_t* column : columns) {
    if (column != nullptr) std::memcpy(out, column + first + whole, rest);
    out += kTogether;
  }
  return out;
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
  PanelLayout layout{output, columns, taps, depth, divideUp(depth, 4), 0, 0, {}};
  for (size_t column = 0; column < columns;) {
    const DotKernel& kernel =
        forced == nullptr ? chooseDot(isa, minus128, columns - column) : *forced;
    const auto width = static_cast<size_t>(kernel.columns);
    const size_t taken = std::min(width, columns - column);
    layout.panels.push_back({&kernel, column, taken, layout.weightBytes, layout.positions});
    layout.positions += divideUp(width, 16) * 16;
    const auto bytes = static_cast<size_t>(kernel.group);
    layout.weightBytes +=
        divideUp(taps * divideUp(depth, bytes) * bytes * width, kTensorAlignment) *
        kTensorAlignment;
    column += taken;
  }
  return layout;
}

AlignedBuffer packPanels(const PanelLayout& layout, size_t groups, const int8_t* weight) {
  AlignedBuffer packed(groups * layout.weightBytes + kPanelSlack);
  const size_t columnBytes = layout.taps * layout.depth;
  std::vector<const int8_t*> columnAt;  // by position; null where there is none
  for (size_t group = 0; group < groups; ++group) {
    for (const Panel& panel : layout.panels) {
      const int width = panel.kernel->columns;
      const auto together = static_cast<size_t>(panel.kernel->group);
      columnAt.assign(static_cast<size_t>(width), nullptr);
      for (int p = 0; p < width; ++p) {
        const auto column = static_cast<size_t>(panelColumn(p, *panel.kernel, layout.output));
        if (column >= panel.columns) continue;
        columnAt[p] = weight + (group * layout.columns + panel.column + column) * columnBytes;
      }
      uint8_t* out = packed.data() + group * layout.weightBytes + panel.weights;
      for (size_t tap = 0; tap < layout.taps; ++tap) {
        out = together == 4 ? packTap<4>(columnAt, tap * layout.depth, layout.depth, out)
                            : packTap<8>(columnAt, tap * layout.depth, layout.depth, out);
      }
    }
  }
  return packed;
}

}  // namespace octavo
