// The kernels of AVX-VNNI: 256-bit vpdpbusd and 16 registers, of which 12 hold accumulators.
// Compiled twice: in VEX encoding, and in EVEX encoding to be tested on CPUs that have AVX512-VNNI
// alone.
#pragma once

#include "native/kernels/dot/tile.h"
#include "native/kernels/simd/avx2.h"

#define OCTAVO_AVXVNNI_DOT(name, rows, vectors)                      \
  void name(const DotArgs& args) {                                   \
    dotKernel<AvxVnni, DirectProduct<AvxVnni>, rows, vectors>(args); \
  }
