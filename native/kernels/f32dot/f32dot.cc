#include "native/kernels/f32dot/f32dot.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_FLOAT_DOT(name, isa, rows, columns) void name(const FloatDotArgs& args);
#define OCTAVO_BF16_DOT(name, isa, rows, columns) void name(const FloatDotArgs& args);
#include "native/kernels/f32dot/kernels.inc"

namespace {

constexpr FloatDotKernel kKernels[] = {
#define OCTAVO_FLOAT_DOT(name, isa, rows, columns) \
  {#name, Isa::isa, FloatDotElement::kFloat32, rows, columns, name},
#define OCTAVO_BF16_DOT(name, isa, rows, columns) \
  {#name, Isa::isa, FloatDotElement::kBfloat16Pair, rows, columns, name},
#include "native/kernels/f32dot/kernels.inc"
};

// The narrower one of two that are wide enough, then the wider one of two that are not, then the
// better instruction set.
bool isBetter(const FloatDotKernel& a, const FloatDotKernel& b, size_t columns) {
  const bool aHolds = static_cast<size_t>(a.columns) >= columns;
  const bool bHolds = static_cast<size_t>(b.columns) >= columns;
  if (aHolds != bHolds) return aHolds;
  if (a.columns != b.columns) return aHolds == (a.columns < b.columns);
  return a.isa > b.isa;
}

}  // namespace

const FloatDotKernel* chooseFloatDot(Isa isa, FloatDotElement element, size_t columns) {
  if (element == FloatDotElement::kBfloat16Pair && !isBfloat16Supported()) return nullptr;
  const auto fits = [&](const FloatDotKernel& kernel) {
    return kernel.element == element && isaImplies(isa, kernel.isa);
  };
  // The kernel of one vector of the best instruction set. What is wider takes fewer of its vectors
  // than of any other's.
  const FloatDotKernel* narrowest = nullptr;
  for (const FloatDotKernel& kernel : kKernels) {
    if (fits(kernel) && (narrowest == nullptr || kernel.isa > narrowest->isa)) narrowest = &kernel;
  }
  const FloatDotKernel* best = narrowest;
  for (const FloatDotKernel& kernel : kKernels) {
    if (!fits(kernel)) continue;
    const bool wide = columns > static_cast<size_t>(narrowest->columns);
    if (wide && kernel.isa != narrowest->isa) continue;
    if (isBetter(kernel, *best, columns)) best = &kernel;
  }
  return best;
}

bool isFloatDotSupported(const FloatDotKernel& kernel) {
  const bool pairs = kernel.element == FloatDotElement::kBfloat16Pair;
  return isaSupported(kernel.isa) && (!pairs || isBfloat16Supported());
}

const FloatDotKernel* findFloatDot(const char* name) { return findByName(kKernels, name); }

}  // namespace octavo
