#include "native/kernels/peak/peak.h"

#include <chrono>
#include <cstdint>

#include "native/kernels/choose.h"

namespace octavo {

#define OCTAVO_PEAK(name, isa, operations, evex) void name(const PeakArgs& args);
#define OCTAVO_PEAK_BF16(name, isa, operations) void name(const PeakArgs& args);
#include "native/kernels/peak/kernels.inc"

namespace {

// The last entry stands for none: an architecture may have no loops.
constexpr PeakKernel kKernels[] = {
#define OCTAVO_PEAK(name, isa, operations, evex) {#name, Isa::isa, operations, evex, false, name},
#define OCTAVO_PEAK_BF16(name, isa, operations) {#name, Isa::isa, operations, false, true, name},
#include "native/kernels/peak/kernels.inc"
    {nullptr, Isa::kPortable, 0, false, false, nullptr},
};

}  // namespace

const PeakKernel* peakKernels(size_t* count) {
  *count = sizeof kKernels / sizeof kKernels[0] - 1;
  return kKernels;
}

bool isPeakRunnable(const PeakKernel& kernel) {
  return isRunnable(kernel) && (!kernel.bfloat16 || isBfloat16Supported());
}

double measurePeak(const PeakKernel& kernel, size_t iterations) {
  alignas(64) uint16_t operands[kPeakBytes / sizeof(uint16_t)];
  alignas(64) uint8_t result[kPeakBytes];
  uint32_t state = 1;
  for (uint16_t& word : operands) {
    state = state * 1664525 + 1013904223;
    word = static_cast<uint16_t>(0x3c00 | state >> 24);
  }
  const auto start = std::chrono::steady_clock::now();
  kernel.run({iterations, operands, result});
  const auto time = std::chrono::steady_clock::now() - start;
  return std::chrono::duration<double, std::nano>(time).count();
}

}  // namespace octavo
