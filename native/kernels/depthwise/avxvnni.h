// The kernels of AVX-VNNI: 256-bit vpdpbusd and 16 registers. Compiled twice: in VEX encoding by
// avxvnni.cc, in EVEX encoding by avx512vnni.cc.
#pragma once

#include "native/kernels/depthwise/rows.h"
#include "native/kernels/simd/avx128.h"
#include "native/kernels/simd/avx2.h"

#define OCTAVO_AVXVNNI_TAPS(name, V) \
  void name(const DepthwiseArgs& args) { depthwiseTaps<V, DirectProduct<V>, 1>(args); }
#define OCTAVO_AVXVNNI_ROWS(name, C)                            \
  void name(const DepthwiseArgs& args) {                        \
    depthwiseRows<C, AvxVnni, DirectProduct<AvxVnni>, 2>(args); \
  }
