// Float32 weights as the kernels of kernels/f32dot read them: columns cut into panels, each for one
// kernel. f32dot.h tells the layout of a panel.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "native/kernels/f32dot/f32dot.h"
#include "native/pack/store.h"

namespace octavo {

struct FloatPanel {
  const FloatDotKernel* kernel;
  size_t column;   // first column
  size_t columns;  // how many are real; the rest of the panel is 0
  size_t weights;  // where it begins, in elements
};

// What lies together in weights that are to be packed: all of a column, or all of a depth.
enum class FloatForm { kByColumn, kByDepth };

// How the columns of one group are cut.
struct FloatPanelLayout {
  size_t columns;
  size_t depth;        // of all taps
  size_t weightCount;  // elements of all panels
  std::vector<FloatPanel> panels;

  // Names all that the packed form depends on.
  std::string form(size_t groups, FloatForm from) const;
};

FloatPanelLayout layoutFloatPanels(Isa isa, size_t columns, size_t depth);

// A matrix of weights: column c at depth k lies at data[c * columnStride + k * depthStride], one of
// the strides being 1.
struct FloatMatrix {
  const float* data;
  size_t columnStride, depthStride;
};

// Packs the part of one panel from depth `first` to `end`: (end - first) × the kernel's columns.
void packFloatPanel(const FloatPanel& panel, const FloatMatrix& matrix, size_t first, size_t end,
                    float* packed);

// Packs all panels of one group.
void packFloatPanels(const FloatPanelLayout& layout, const FloatMatrix& matrix, float* packed);

}  // namespace octavo
