// Every kernel that was built, whatever its family: for tests, benchmarks and `octavo doctor`.
// Dispatch is the families' own matter; they share the kernels.inc files, where a line is all it
// takes to add a kernel.
#pragma once

#include <cstddef>

#include "native/cpu/isa.h"

namespace octavo {

struct KernelInfo {
  const char* family;  // its folder
  const char* name;
  Isa isa;
};

const KernelInfo* allKernels(size_t* count);

}  // namespace octavo
