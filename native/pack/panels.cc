#include "native/pack/panels.h"

#include <cstring>

namespace octavo {
namespace {

size_t divideUp(size_t a, size_t b) { return (a + b - 1) / b; }

}  // namespace

std::string PanelLayout::form(size_t groups) const {
  std::string text = "dot";
  for (size_t n : {groups, columns, taps, depth}) text += ' ' + std::to_string(n);
  // The rest of the cut follows from the first panel's kernel.
  return text + ' ' + (panels.empty() ? "" : panels[0].kernel->name);
}

PanelLayout layoutPanels(Isa isa, bool minus128, size_t columns, size_t taps, size_t depth) {
  PanelLayout layout{columns, taps, depth, divideUp(depth, 4), 0, 0, {}};
  const auto unit = static_cast<size_t>(chooseDot(isa, minus128, 1).columns);
  const auto widest = static_cast<size_t>(chooseDot(isa, minus128, SIZE_MAX).columns);
  // As even as can be: two middling panels use the registers better than a wide and a narrow one.
  const size_t units = divideUp(columns, unit);
  const size_t count = divideUp(columns, widest);
  for (size_t i = 0; i < count; ++i) {
    const size_t first = units * i / count * unit, end = units * (i + 1) / count * unit;
    const DotKernel& kernel = chooseDot(isa, minus128, end - first);
    layout.panels.push_back({&kernel, first, (end < columns ? end : columns) - first,
                             layout.weightBytes, layout.positions});
    const auto width = static_cast<size_t>(kernel.columns);
    layout.positions += divideUp(width, 16) * 16;
    layout.weightBytes +=
        divideUp(taps * layout.quads * width * 4, kTensorAlignment) * kTensorAlignment;
  }
  return layout;
}

AlignedBuffer packPanels(const PanelLayout& layout, size_t groups, const int8_t* weight) {
  AlignedBuffer packed(groups * layout.weightBytes);
  const size_t columnBytes = layout.taps * layout.depth;
  std::vector<const int8_t*> columnAt;  // by position; null where there is none
  for (size_t group = 0; group < groups; ++group) {
    for (const Panel& panel : layout.panels) {
      const int width = panel.kernel->columns;
      columnAt.assign(static_cast<size_t>(width), nullptr);
      for (int p = 0; p < width; ++p) {
        const auto column = static_cast<size_t>(panelColumn(p, width, panel.kernel->lanes));
        if (column >= panel.columns) continue;
        columnAt[p] = weight + (group * layout.columns + panel.column + column) * columnBytes;
      }
      uint8_t* out = packed.data() + group * layout.weightBytes + panel.weights;
      for (size_t tap = 0; tap < layout.taps; ++tap) {
        for (size_t k = 0; k < layout.depth; k += 4) {
          const size_t bytes = layout.depth - k < 4 ? layout.depth - k : 4;
          for (const int8_t* column : columnAt) {
            if (column != nullptr) std::memcpy(out, column + tap * layout.depth + k, bytes);
            out += 4;
          }
        }
      }
    }
  }
  return packed;
}

}  // namespace octavo
