// Register loops: how fast this core does nothing but one multiply-add instruction, or the shortest
// sequence that stands for it. What benchmarks give as the peak; no operator calls them.
//
// A loop keeps enough independent accumulators to hide the instruction's latency. Its right operand
// comes from the first-level cache and is another one in each iteration, lest a compiler move
// products out of the loop.
#pragma once

#include <cstddef>

#include "native/cpu/isa.h"

namespace octavo {

// Bytes that loops read as vectors of their element type, and bytes that they write. Each 16-bit
// word is a small normal number as bfloat16, and so is each pair as float32.
constexpr size_t kPeakBytes = 24 * 64;

struct PeakArgs {
  size_t iterations;
  const void* operands;  // kPeakBytes, 64-byte aligned
  void* result;          // likewise
};

struct PeakKernel {
  const char* name;
  Isa isa;
  double operations;  // of one iteration, a multiplication and an addition counting as two
  bool evex;          // a kernel of AVX-VNNI in the encoding of AVX-512, see cpu/isa.h
  bool bfloat16;      // needs isBfloat16Supported()
  void (*run)(const PeakArgs& args);
};

// All that were built.
const PeakKernel* peakKernels(size_t* count);

// Whether this CPU can run it.
bool isPeakRunnable(const PeakKernel& kernel);

// Nanoseconds of `iterations` of a loop that this CPU can run.
double measurePeak(const PeakKernel& kernel, size_t iterations);

}  // namespace octavo
