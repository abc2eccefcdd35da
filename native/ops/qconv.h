// What the ways to compute a QConv share: its tensors, checked, what they are packed to, and the
// choice between them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "native/cpu/cache.h"
#include "native/ops/qresidual.h"
#include "native/ops/qterms.h"
#include "native/ops/rowpointers.h"
#include "native/ops/window.h"
#include "native/pack/panels.h"

namespace octavo {

// The tensors of the step, checked against each other; optional ones are null where absent.
struct QConvOperands {
  const TensorInfo *x, *weight, *y;
  Weight<int8_t> weights;     // [O][KH][KW][C / groups]
  const int32_t* bias;        // [O]
  const float* multiplier;    // [O]
  const int32_t* weightZero;  // [O]; null where all are 0

  int64_t channels() const { return weight->dims[0]; }
};

// Checks x, weight and y against each other, but for the channels of y, and takes multipliers and
// zero points of weights, which QConv and QConvDynamic have in the same places; `from->bias` is
// left alone.
Status takeQConvOperands(const StepView& step, const PrepareContext& context, int64_t groups,
                         QConvOperands* from);

// The product that is both steps: prepares its panels and the way to its rows.
Status prepareQProduct(const QConvOperands& from, const QConvParams& params, Window window,
                       const QResidual& residual, const QTerms& terms,
                       const PrepareContext& context, std::unique_ptr<PreparedStep>* prepared);

// The step as a depthwise convolution; null where it is none: one input and output channel a
// group, no scales of pixels, and windows that don't reach far. Fails where a forced kernel doesn't
// fit.
Status prepareQDepthwise(const QConvOperands& from, const QConvParams& params, const Window& window,
                         const QTerms& terms, const PrepareContext& context,
                         std::unique_ptr<PreparedStep>* prepared);

// Some of a window's taps: rows [firstH, endH), and of each the columns [firstW, endW). A window
// whose rows are taps has one column.
struct TapRange {
  int64_t firstH, endH, firstW, endW;

  size_t taps() const { return static_cast<size_t>((endH - firstH) * (endW - firstW)); }
};

// A product of rows with packed columns: all of a QConv but where its rows lie.
class QProduct {
 public:
  TensorInfo x, y;
  size_t groups;
  Isa isa;
  PanelLayout layout;
  DotArgs base;  // what all calls of all runs share
  QResidual residual;
  QTerms terms;

  // `isa`: whose kernels the panels have.
  QProduct(const QConvOperands& from, const QConvParams& params, const QTerms& terms,
           const PanelLayout& panels, Isa isa, PackStore& packs);

  // Adds a bias for outputs that sum up these taps alone, the others being padding, and returns its
  // number. `tapColumns`: taps in a row of the window. A computed zero point takes the place of
  // xZero.
  size_t addBias(const QConvOperands& from, int32_t xZero, const TapRange& taps, size_t tapColumns);

  size_t panels() const { return groups * layout.panels.size(); }
  size_t groupOf(size_t panel) const { return panel / layout.panels.size(); }
  const DotKernel& kernelOf(size_t panel) const { return *panelAt(panel).kernel; }
  size_t panelBytes(size_t panel, size_t count = 1) const;
  // How many panels from this one on, up to `last`, a call is to multiply.
  size_t panelsTogether(size_t panel, size_t last) const;
  size_t columns() const { return groups * layout.columns; }
  size_t elementBytes() const { return base.output == DotOutput::kUint8 ? 1 : 4; }
  size_t weightBytes() const { return weights_->bytes(); }
  // Whether weights come from further away than the cache of a core, and are fetched in time; tiles
  // of small quads see to that themselves.
  bool fetchesAhead() const { return base.order == nullptr && areFar(weightBytes()); }
  // Weights of one tap in a panel.
  size_t tapBytes(const DotKernel& kernel) const;
  // Not of a panel of kSmall.
  const int8_t* weightsOf(size_t panel) const {
    return reinterpret_cast<const int8_t*>(packedOf(panel));
  }
  // Of a panel of kSmall, or null.
  const QuadSpan* spansOf(size_t panel) const {
    return base.order == nullptr ? nullptr : reinterpret_cast<const QuadSpan*>(packedOf(panel));
  }
  size_t quads() const { return quads_; }
  // What all calls of one run share: `base`, and where the residual is.
  DotArgs argsOf(const RunContext& context) const;
  // Sets what belongs to a panel: weights, tables, and its columns of the results at y.
  // `values` and `tables`: those of this run, and memory for what they make of the panel's.
  void enter(size_t panel, uint8_t* y, const QTermValues& values, QTermTables* tables,
             DotArgs* args) const;
  const int32_t* biasOf(size_t panel, size_t bias, const QTermValues& values,
                        QTermTables* tables) const;

 private:
  // The sum of a column's weights at `taps`; columns are counted over all groups.
  uint32_t sumTaps(size_t column, const TapRange& taps, size_t tapColumns) const;
  const Panel& panelAt(size_t panel) const { return layout.panels[panel % layout.panels.size()]; }
  const uint8_t* packedOf(size_t panel) const {
    return weights_->data() + groupOf(panel) * layout.weightBytes + panelAt(panel).weights;
  }
  size_t positionOf(size_t panel) const {
    return groupOf(panel) * layout.positions + panelAt(panel).position;
  }

  size_t yFirst_;  // the column of y that is the product's first
  PackedBuffer weights_;
  size_t quads_;  // of all panels of kSmall
  AlignedBuffer multiplier_, weightZero_, addend_;
  std::vector<AlignedBuffer> biases_;
  // Σ (w - wZero) of the taps of each bias, where the zero point of x is computed.
  std::vector<AlignedBuffer> weightSums_;
};

// Rows in grids: the rule. Through pointers: for weights with zero points, which need the sums of
// rows, and for kernels on tile registers.
std::unique_ptr<PreparedStep> makeQGrid(QProduct&& product, const QConvOperands& from,
                                        const QConvParams& params, const RowPointers& gather);
std::unique_ptr<PreparedStep> makeQPointers(QProduct&& product, const QConvOperands& from,
                                            const QConvParams& params, const RowPointers& gather,
                                            const RowSumKernel* rowSum);

// Into how many parts a product is cut: each some microseconds of work for the kernels of `isa`.
size_t productParts(double multiplications, Isa isa);

// What the input and output of a strip may take of a core's cache, and the weights of panels that
// are multiplied together.
inline size_t stripBytes() { return secondLevelCacheBytes() / 4; }
inline size_t togetherBytes() { return secondLevelCacheBytes() / 2; }

}  // namespace octavo
