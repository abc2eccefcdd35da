// Float32 weights as the kernels of kernels/f32dot read them: columns cut into panels, each for one
// kernel. f32dot.h tells the layout of a panel.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "native/kernels/f32dot/f32dot.h"
#include "native/kernels/half/half.h"
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

// `forced`: the kernel of all panels, or null to choose by what each is for. There must be kernels
// that multiply `element`, of which `depth` counts.
FloatPanelLayout layoutFloatPanels(Isa isa, FloatDotElement element, size_t columns, size_t depth,
                                   const FloatDotKernel* forced);

// A matrix of weights: column c at depth k lies at data[c * columnStride + k * depthStride], one of
// the strides being 1.
struct FloatMatrix {
  const float* data;
  size_t columnStride, depthStride;
};

// Packs the part of one panel from depth `first` to `end`: (end - first) × the kernel's columns.
void packFloatPanel(const FloatPanel& panel, const FloatMatrix& matrix, size_t first, size_t end,
                    float* packed);

// Packs all panels of one group of weights with elements of 4 bytes, or of 2, which stay as they
// are until they are used. Strides are those of a FloatMatrix.
void packAnyPanels(const FloatPanelLayout& layout, size_t elementBytes, const void* data,
                   size_t columnStride, size_t depthStride, void* packed);

// A matrix of bfloat16 as one of pairs, ⌈depth / 2⌉ deep, in the same form: elements of 4 bytes for
// the above. What an odd depth lacks is 0.
AlignedBuffer pairDepths(const uint16_t* data, size_t columns, size_t depth, FloatForm form);

// Weights of Conv and MatMul in panels, as they are stored and as kernels read them.
struct FloatWeights {
  PackedBuffer packed;                 // null: not constant
  const WidenKernel* widen = nullptr;  // null: float32

  // `count` elements from element `first` on; `scratch` takes them if they have to be widened.
  const float* at(size_t first, size_t count, float* scratch) const;
  // Where element `first` lies, to be fetched before it is used; null if it has to be widened.
  const float* ahead(size_t first) const;
};

// How weights of that type are widened; null for float32.
const WidenKernel* chooseWiden(Isa isa, DataType type);

}  // namespace octavo
