#include "native/kernels/registry.h"

namespace octavo {
namespace {

#define OCTAVO_LISTED(family, name, isa, ...) {family, #name, Isa::isa},

constexpr KernelInfo kKernels[] = {
#define OCTAVO_DOT(...) OCTAVO_LISTED("dot", __VA_ARGS__)
#define OCTAVO_DOT_GROUPS(...) OCTAVO_LISTED("dot", __VA_ARGS__)
#define OCTAVO_ROWSUM(name, isa) OCTAVO_LISTED("dot", name, isa, 0)
#include "native/kernels/dot/kernels.inc"
#define OCTAVO_DEPTHWISE(...) OCTAVO_LISTED("depthwise", __VA_ARGS__)
#define OCTAVO_DEPTHWISE_SHIFTED(...) OCTAVO_LISTED("depthwise", __VA_ARGS__)
#include "native/kernels/depthwise/kernels.inc"
#define OCTAVO_QUANTIZE(name, isa) OCTAVO_LISTED("quantize", name, isa, 0)
#define OCTAVO_DEQUANTIZE(name, isa) OCTAVO_LISTED("quantize", name, isa, 0)
#define OCTAVO_RANGE(name, isa) OCTAVO_LISTED("quantize", name, isa, 0)
#define OCTAVO_QUANTIZE_ROWS(name, isa) OCTAVO_LISTED("quantize", name, isa, 0)
#include "native/kernels/quantize/kernels.inc"
#define OCTAVO_QADD(name, isa) OCTAVO_LISTED("elementwise", name, isa, 0)
#define OCTAVO_QMUL(name, isa) OCTAVO_LISTED("elementwise", name, isa, 0)
#include "native/kernels/elementwise/kernels.inc"
#define OCTAVO_MAXPOOL_U8(name, isa) OCTAVO_LISTED("pool", name, isa, 0)
#define OCTAVO_MAXPOOL_S8(name, isa) OCTAVO_LISTED("pool", name, isa, 0)
#define OCTAVO_MAXPOOL_F32(name, isa) OCTAVO_LISTED("pool", name, isa, 0)
#define OCTAVO_QAVERAGEPOOL(name, isa) OCTAVO_LISTED("pool", name, isa, 0)
#include "native/kernels/pool/kernels.inc"
#define OCTAVO_LOOKUP(name, isa) OCTAVO_LISTED("lookup", name, isa, 0)
#include "native/kernels/lookup/kernels.inc"
#define OCTAVO_FLOAT_DOT(...) OCTAVO_LISTED("f32dot", __VA_ARGS__)
#define OCTAVO_BF16_DOT(...) OCTAVO_LISTED("f32dot", __VA_ARGS__)
#include "native/kernels/f32dot/kernels.inc"
#define OCTAVO_FLOAT_DEPTHWISE(name, isa) OCTAVO_LISTED("f32depthwise", name, isa, 0)
#include "native/kernels/f32depthwise/kernels.inc"
#undef OCTAVO_FLOAT_DEPTHWISE
#define OCTAVO_UNARY(name, isa) OCTAVO_LISTED("f32elementwise", name, isa, 0)
#define OCTAVO_BINARY(name, isa) OCTAVO_LISTED("f32elementwise", name, isa, 0)
#include "native/kernels/f32elementwise/kernels.inc"
#undef OCTAVO_UNARY
#undef OCTAVO_BINARY
#define OCTAVO_AVERAGE_POOL(name, isa) OCTAVO_LISTED("f32pool", name, isa, 0)
#include "native/kernels/f32pool/kernels.inc"
#undef OCTAVO_AVERAGE_POOL
#define OCTAVO_ROWS(name, isa)                       \
  OCTAVO_LISTED("f32rows", softmax_##name, isa, 0)   \
  OCTAVO_LISTED("f32rows", layerNorm_##name, isa, 0) \
  OCTAVO_LISTED("f32rows", lrn_##name, isa, 0)       \
  OCTAVO_LISTED("f32rows", foldRow_##name, isa, 0)   \
  OCTAVO_LISTED("f32rows", foldColumns_##name, isa, 0)
#include "native/kernels/f32rows/kernels.inc"
#undef OCTAVO_ROWS
#define OCTAVO_TRANSPOSE(...) OCTAVO_LISTED("transpose", __VA_ARGS__)
#include "native/kernels/transpose/kernels.inc"
#undef OCTAVO_TRANSPOSE
#define OCTAVO_QUADS(name, isa)               \
  OCTAVO_LISTED("quads", mark_##name, isa, 0) \
  OCTAVO_LISTED("quads", pair_##name, isa, 0)
#include "native/kernels/quads/kernels.inc"
#undef OCTAVO_QUADS
#define OCTAVO_PEAK(...) OCTAVO_LISTED("peak", __VA_ARGS__)
#define OCTAVO_PEAK_BF16(...) OCTAVO_LISTED("peak", __VA_ARGS__)
#include "native/kernels/peak/kernels.inc"
#define OCTAVO_NBITS(...) OCTAVO_LISTED("nbits", __VA_ARGS__)
#define OCTAVO_BLOCKSUM(name, isa) OCTAVO_LISTED("nbits", name, isa, 0)
#include "native/kernels/nbits/kernels.inc"
#define OCTAVO_BITDOT(...) OCTAVO_LISTED("bitdot", __VA_ARGS__)
#include "native/kernels/bitdot/kernels.inc"
#define OCTAVO_DOT16(...) OCTAVO_LISTED("dot16", __VA_ARGS__)
#include "native/kernels/dot16/kernels.inc"
#define OCTAVO_WIDEN_F16(name, isa) OCTAVO_LISTED("half", name, isa, 0)
#define OCTAVO_WIDEN_BF16(name, isa) OCTAVO_LISTED("half", name, isa, 0)
#include "native/kernels/half/kernels.inc"
};

}  // namespace

const KernelInfo* allKernels(size_t* count) {
  *count = sizeof kKernels / sizeof kKernels[0];
  return kKernels;
}

}  // namespace octavo
