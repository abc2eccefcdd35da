// Weights as the dot kernels read them: columns cut into panels, each for one kernel, and the
// numbers that go with every column in the same order. kernels/dot/dot.h tells the layout of a
// panel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "native/kernels/dot/dot.h"
#include "native/pack/store.h"

namespace octavo {

struct Panel {
  const DotKernel* kernel;
  size_t column;    // first column
  size_t columns;   // how many are real; the rest of the panel is 0
  size_t weights;   // where it begins, in bytes; of kSmall, where its spans do
  size_t position;  // where it begins in the tables, in positions
};

// How the columns of one group are cut.
struct PanelLayout {
  DotOutput output;  // what the panels' order is for
  size_t columns;
  size_t taps;
  size_t depth;  // bytes of a row at one tap
  size_t quads;  // the depth in groups of four, rounded up
  size_t sums;   // where the sums of a group lie, in bytes
  size_t weightBytes;
  size_t positions;
  std::vector<Panel> panels;

  // Names all that the packed form depends on.
  std::string form(size_t groups) const;
};

// `forced`: the kernel of all panels, or null to choose by what each is for.
PanelLayout layoutPanels(Isa isa, DotOutput output, bool minus128, size_t columns, size_t taps,
                         size_t depth, const DotKernel* forced);

// Packs weight [groups][columns][taps][depth]: group g begins at g * layout.weightBytes, and the
// quads of kSmall are behind all groups. `isa`: whose kernels may pack.
AlignedBuffer packPanels(const PanelLayout& layout, size_t groups, Isa isa, const int8_t* weight);

// The sums of the weights of a group, modulo 2^32: [columns][taps].
const uint32_t* tapSumsOf(const PanelLayout& layout, size_t group, const AlignedBuffer& packed);

// The quads of all panels of kSmall, as DotArgs has them; null where there are none.
struct SmallPanels {
  const int8_t* weights;
  const uint32_t* order;
  size_t count;  // of quads
};
SmallPanels smallPanelsOf(const PanelLayout& layout, size_t groups, const AlignedBuffer& packed);

// One int32 or float for each position of all groups: of(column) where there is one, counted over
// all groups, and 0 elsewhere.
template <typename T, typename Of>
void fillTable(const PanelLayout& layout, size_t groups, T* table, Of&& of) {
  for (size_t group = 0; group < groups; ++group) {
    for (const Panel& panel : layout.panels) {
      T* out = table + group * layout.positions + panel.position;
      for (int p = 0; p < panel.kernel->columns; ++p) {
        const auto column = static_cast<size_t>(panelColumn(p, *panel.kernel, layout.output));
        out[p] = column < panel.columns
                     ? of(group * layout.columns + panel.column + column, *panel.kernel)
                     : T{};
      }
    }
  }
}

}  // namespace octavo
