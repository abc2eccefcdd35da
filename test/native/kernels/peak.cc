// peak: the register loops compute nothing that could be wrong; they must end, and stay within what
// they are given.
#include "native/kernels/peak/peak.h"

#include "test/native/kernels/harness.h"

namespace octavo::test {
namespace {

Guarded operands("operands", kPeakBytes), result("result", kPeakBytes);

void peakCases(const PeakKernel& kernel) {
  for (const Edge edge : {Edge::kFront, Edge::kBack}) {
    for (size_t iterations : {0, 1, 1000}) {
      note("%ld iterations, edge %ld", {static_cast<long>(iterations), static_cast<long>(edge)});
      kernel.run({iterations, operands.place<uint8_t>(edge, kPeakBytes, 0, 64),
                  result.place<uint8_t>(edge, kPeakBytes, 0, 64)});
    }
  }
}

}  // namespace

void testPeak() {
  size_t count;
  const PeakKernel* kernels = peakKernels(&count);
  for (size_t i = 0; i < count; ++i) {
    const bool lacks = kernels[i].bfloat16 && !isBfloat16Supported();
    testKernel<PeakKernel, peakCases>(kernels[i], kernels[i].evex, lacks ? "avx512bf16" : nullptr);
  }
}

}  // namespace octavo::test
