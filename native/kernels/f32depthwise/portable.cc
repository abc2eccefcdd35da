// Plain C++, for any CPU, and the specification of the family.
#include "native/kernels/f32depthwise/f32depthwise.h"
#include "native/kernels/scalar.h"

namespace octavo {

namespace {

void depthwiseLine(const FloatDepthwiseArgs& args, const float* from, float* to) {
  for (size_t c = 0; c < args.channels; ++c) {
    const size_t block = c / kDepthwiseBlock, lane = c % kDepthwiseBlock;
    const float* weights = args.weights + block * args.blockStride + lane;
    const float bias = args.bias[block * args.blockStride + lane];
    for (size_t p = 0; p < args.pixels; ++p) {
      const float* x = from + p * args.pixelStride + c;
      float sum = bias;
      for (size_t i = 0; i < args.rows; ++i) {
        for (size_t j = 0; j < args.cells; ++j) {
          sum += x[i * args.rowStride + j * args.cellStride] *
                 weights[(i * args.weightRow + j) * kDepthwiseBlock];
        }
      }
      to[p * args.yStride + c] = boundFloat(sum, args.lower, args.upper);
    }
  }
}

}  // namespace

void depthwise_f32_portable(const FloatDepthwiseArgs& args) {
  for (size_t line = 0; line < args.lines; ++line) {
    depthwiseLine(args, args.x + line * args.lineStride, args.y + line * args.yLine);
  }
}

}  // namespace octavo
