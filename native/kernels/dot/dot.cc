#include "native/kernels/dot/dot.h"

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_DOT(name, isa, rows, columns, lanes, form, evex) void name(const DotArgs& args);
#define OCTAVO_DOT_GROUPS(name, isa, rows, columns, group, form) void name(const DotArgs& args);
#define OCTAVO_ROWSUM(name, isa) void name(const RowSumArgs& args);
#include "native/kernels/dot/kernels.inc"

namespace {

constexpr DotKernel kKernels[] = {
#define OCTAVO_DOT(name, isa, rows, columns, lanes, form, evex) \
  {#name, Isa::isa, rows, columns, 4, lanes, DotForm::form, evex, name},
#define OCTAVO_DOT_GROUPS(name, isa, rows, columns, group, form) \
  {#name, Isa::isa, rows, columns, group, 1, DotForm::form, false, name},
#include "native/kernels/dot/kernels.inc"
};

// A better instruction set comes first, then the form that is fast for fewer weights, then the
// narrower one of two that are wide enough, then the wider one of two that are not.
bool isBetter(const DotKernel& a, const DotKernel& b, size_t columns) {
  if (a.isa != b.isa) return a.isa > b.isa;
  if (a.form != b.form) return a.form > b.form;
  const bool aHolds = static_cast<size_t>(a.columns) >= columns;
  const bool bHolds = static_cast<size_t>(b.columns) >= columns;
  if (aHolds != bHolds) return aHolds;
  return aHolds ? a.columns < b.columns : a.columns > b.columns;
}

}  // namespace

int panelColumn(int p, const DotKernel& kernel, DotOutput output) {
  return panelColumn(p, kernel.columns, output == DotOutput::kUint8 ? kernel.lanes : 1);
}

int panelColumn(int p, int columns, int lanes) {
  const int vector = p / (4 * lanes), lane = p / 4 % lanes, vectors = columns / (4 * lanes);
  return (lane * vectors + vector) * 4 + p % 4;
}

const DotKernel* dotKernels(size_t* count) {
  *count = sizeof kKernels / sizeof kKernels[0];
  return kKernels;
}

const DotKernel& chooseDot(Isa isa, bool minus128, size_t columns) {
  const DotKernel* best = &kKernels[0];
  for (const DotKernel& kernel : kKernels) {
    if (!isaImplies(isa, kernel.isa)) continue;
    if (kernel.isa == Isa::kAvxVnni && kernel.evex == isVexVnniSupported()) continue;
    if (minus128 && !takesMinus128(kernel.form)) continue;
    if (isBetter(kernel, *best, columns)) best = &kernel;
  }
  return *best;
}

// Those on tile registers do not: their chunks of 64 bytes may span taps.
bool takesGrids(const DotKernel& kernel) { return kernel.isa != Isa::kAmx; }

const DotKernel* findDot(const char* name) { return findByName(kKernels, name); }

const RowSumKernel& chooseRowSum(Isa isa) {
  static constexpr RowSumKernel kRowSums[] = {
#define OCTAVO_ROWSUM(name, isa) {#name, Isa::isa, name},
#include "native/kernels/dot/kernels.inc"
  };
  return chooseByIsa(kRowSums, isa);
}

}  // namespace octavo
