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

bool isSmall(const int8_t* quad, size_t bytes) {
  const auto at = [&](size_t i) { return i < bytes ? int32_t{quad[i]} : 0; };
  return isSmallPair(at(0), at(1)) && isSmallPair(at(2), at(3));
}

// Where the quads of a tap begin, those that are small in all columns first; returns how many these
// are.
uint32_t orderQuads(const std::vector<const int8_t*>& columns, size_t first, size_t depth,
                    uint32_t* order) {
  std::vector<uint32_t> large;
  uint32_t* next = order;
  for (size_t k = 0; k < depth; k += 4) {
    const bool small = std::all_of(columns.begin(), columns.end(), [&](const int8_t* column) {
      return column == nullptr || isSmall(column + first + k, std::min<size_t>(4, depth - k));
    });
    if (small) {
      *next++ = static_cast<uint32_t>(k);
    } else {
      large.push_back(static_cast<uint32_t>(k));
    }
  }
  std::copy(large.begin(), large.end(), next);
  return static_cast<uint32_t>(next - order);
}

// Packs the quads of a tap in an order; returns where they end.
uint8_t* packQuads(const std::vector<const int8_t*>& columns, size_t first, size_t depth,
                   const uint32_t* order, uint8_t* out) {
  for (size_t q = 0; q < divideUp(depth, 4); ++q) {
    const size_t bytes = std::min<size_t>(4, depth - order[q]);
    for (const int8_t* column : columns) {
      if (column != nullptr) std::memcpy(out, column + first + order[q], bytes);
      out += 4;
    }
  }
  return out;
}

size_t alignUp(size_t bytes) { return divideUp(bytes, kTensorAlignment) * kTensorAlignment; }

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
    const auto bytes = static_cast<size_t>(kernel.group);
    const size_t order =
        layout.weightBytes + alignUp(taps * divideUp(depth, bytes) * bytes * width);
    layout.panels.push_back({&kernel, column, taken, layout.weightBytes, layout.positions, order});
    layout.positions += divideUp(width, 16) * 16;
    const size_t numbers = kernel.form == DotForm::kMixed ? taps * (layout.quads + 1) : 0;
    layout.weightBytes = order + alignUp(numbers * sizeof(uint32_t));
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
      uint8_t* at = packed.data() + group * layout.weightBytes;
      uint8_t* out = at + panel.weights;
      auto* order = reinterpret_cast<uint32_t*>(at + panel.order);
      uint32_t* small = order + layout.taps * layout.quads;
      for (size_t tap = 0; tap < layout.taps; ++tap) {
        const size_t first = tap * layout.depth;
        if (panel.kernel->form == DotForm::kMixed) {
          *small++ = orderQuads(columnAt, first, layout.depth, order);
          out = packQuads(columnAt, first, layout.depth, order, out);
          order += layout.quads;
        } else {
          out = together == 4 ? packTap<4>(columnAt, first, layout.depth, out)
                              : packTap<8>(columnAt, first, layout.depth, out);
        }
      }
    }
  }
  return packed;
}

QuadOrder orderOf(const PanelLayout& layout, const Panel& panel, size_t group,
                  const AlignedBuffer& packed) {
  if (panel.kernel->form != DotForm::kMixed) return {nullptr, nullptr};
  const uint8_t* at = packed.data() + group * layout.weightBytes + panel.order;
  const auto* order = reinterpret_cast<const uint32_t*>(at);
  return {order, order + layout.taps * layout.quads};
}

}  // namespace octavo
