#include "native/ops/f32product.h"

#include <cmath>
#include <cstring>

#include "native/ops/check.h"

namespace octavo {

Status checkFloatKernel(const FloatDotKernel* forced, FloatDotElement element) {
  if (forced == nullptr) return {};
  if (!isFloatDotSupported(*forced)) return notRunnable(forced->name);
  if (forced->element == element) return {};
  return badKernel(forced->name, element == FloatDotElement::kFloat32
                                     ? "it multiplies bfloat16 alone"
                                     : "it multiplies float32");
}

void addBlock(const FloatStrip& strip, const FloatPanel& panel, const DepthBlock& block,
              const float* weights, const float* next) {
  alignas(kTensorAlignment) float bias[kMostFloatColumns] = {};
  if (strip.bias != nullptr && block.first) {
    std::memcpy(bias, strip.bias + panel.column, panel.columns * sizeof(float));
  }
  FloatDotArgs args{};
  args.a = strip.a;
  args.offset = block.offset;
  args.rows = strip.rows;
  args.taps = args.runTaps = 1;
  args.depth = block.depth;
  args.weights = weights;
  args.next = next;
  args.nextLines = linesOf(block.depth * static_cast<size_t>(panel.kernel->columns));
  args.bias = block.first && !strip.continues ? bias : nullptr;
  args.y = strip.y + panel.column;
  args.yStride = strip.yStride;
  args.columns = panel.columns;
  args.lower = block.last ? strip.lower : -INFINITY;
  args.upper = block.last ? strip.upper : INFINITY;
  panel.kernel->run(args);
}

}  // namespace octavo
