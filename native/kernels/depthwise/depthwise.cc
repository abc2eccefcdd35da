#include "native/kernels/depthwise/depthwise.h"

#include "native/kernels/choose.h"
#include "native/kernels/dot/dot.h"

namespace octavo {

#define OCTAVO_DEPTHWISE(name, isa, channels, lanes, form, weightBytes, evex) \
  void name(const DepthwiseArgs& args);
#define OCTAVO_DEPTHWISE_SHIFTED(name, isa, channels, form) void name(const DepthwiseArgs& args);
#include "native/kernels/depthwise/kernels.inc"

namespace {

constexpr DepthwiseKernel kKernels[] = {
#define OCTAVO_DEPTHWISE(name, isa, channels, lanes, form, weightBytes, evex) \
  {#name, Isa::isa, channels, lanes, DepthwiseForm::form, weightBytes, evex, false, name},
#define OCTAVO_DEPTHWISE_SHIFTED(name, isa, channels, form) \
  {#name, Isa::isa, channels, 1, DepthwiseForm::form, 1, false, true, name},
#include "native/kernels/depthwise/kernels.inc"
};

// A better instruction set first; then the narrowest that holds all channels, if they fill more
// than half of it; then the widest that is filled; or else the narrowest.
bool isBetter(const DepthwiseKernel& a, const DepthwiseKernel& b, size_t channels) {
  if (a.isa != b.isa) return a.isa > b.isa;
  const auto aWidth = static_cast<size_t>(a.channels), bWidth = static_cast<size_t>(b.channels);
  const auto holds = [&](size_t width) { return width >= channels && width < 2 * channels; };
  if (holds(aWidth) || holds(bWidth)) {
    return holds(aWidth) && (aWidth < bWidth || !holds(bWidth));
  }
  const bool aFilled = aWidth <= channels, bFilled = bWidth <= channels;
  if (aFilled != bFilled) return aFilled;
  return aFilled ? aWidth > bWidth : aWidth < bWidth;
}

}  // namespace

size_t DepthwiseKernel::channelAt(size_t position) const {
  const int column = panelColumn(static_cast<int>(position), 16 * lanes, lanes);
  return static_cast<size_t>(column % channels);
}

const DepthwiseKernel* depthwiseKernels(size_t* count) {
  *count = sizeof kKernels / sizeof kKernels[0];
  return kKernels;
}

const DepthwiseKernel* chooseDepthwise(Isa isa, DepthwiseForm form, size_t channels) {
  const DepthwiseKernel* best = nullptr;
  for (const DepthwiseKernel& kernel : kKernels) {
    if (kernel.form != form || !isaImplies(isa, kernel.isa)) continue;
    if (kernel.isa == Isa::kAvxVnni && kernel.evex == isVexVnniSupported()) continue;
    if (best == nullptr || isBetter(kernel, *best, channels)) best = &kernel;
  }
  return best;
}

const DepthwiseKernel* findDepthwise(const char* name) { return findByName(kKernels, name); }

}  // namespace octavo
