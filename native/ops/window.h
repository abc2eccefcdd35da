// The geometry of windows that slide over a channels-last image: convolution and pooling. What lies
// outside of the input is padding, on every side, however far the output's dims make it reach.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "native/ops/check.h"

namespace octavo {

// One spatial axis. Cell k of the window at output o reads input o * stride + k * dilation - pad.
struct WindowAxis {
  int64_t input, output, kernel, stride, dilation, pad;

  int64_t origin(int64_t o) const { return o * stride - pad; }
  bool contains(int64_t i) const { return i >= 0 && i < input; }

  // Cells of output o inside of the input: [firstCell, endCell).
  int64_t firstCell(int64_t o) const { return std::min(kernel, ceilDivide(-origin(o), dilation)); }
  int64_t endCell(int64_t o) const {
    return std::max(firstCell(o), std::min(kernel, ceilDivide(input - origin(o), dilation)));
  }
  // Outputs whose cell k is inside: [firstOutput, endOutput).
  int64_t firstOutput(int64_t k) const {
    return std::min(output, ceilDivide(pad - k * dilation, stride));
  }
  int64_t endOutput(int64_t k) const {
    return std::max(firstOutput(k),
                    std::min(output, ceilDivide(input + pad - k * dilation, stride)));
  }

 private:
  // ceil(a / b), and 0 for negative a.
  static int64_t ceilDivide(int64_t a, int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }
};

// x [batch, H, W, channels] and the output's H and W.
struct Window {
  int64_t batch, channels;
  WindowAxis h, w;

  int64_t cells() const { return h.kernel * w.kernel; }
  int64_t outputs() const { return batch * h.output * w.output; }
  // Every output reads the one pixel at its own place.
  bool isIdentity() const {
    return cells() == 1 && h.stride == 1 && w.stride == 1 && h.pad == 0 && w.pad == 0 &&
           h.input == h.output && w.input == w.output;
  }
};

// Takes the geometry from a step's params and tensors and checks it: ranks, equal batch, positive
// kernel, strides and dilations, pads not negative.
template <typename Params>
Status makeWindow(const Params& params, int64_t kernelH, int64_t kernelW, const TensorInfo& x,
                  const TensorInfo& y, Window* window) {
  if (x.rank != 4 || y.rank != 4 || x.dims[0] != y.dims[0]) {
    return badStep("x and y must be [N, H, W, C] with equal N");
  }
  if (kernelH < 1 || kernelW < 1 || params.strideH < 1 || params.strideW < 1 ||
      params.dilationH < 1 || params.dilationW < 1 || params.padTop < 0 || params.padLeft < 0) {
    return badStep("kernel, strides and dilations must be positive, pads not negative");
  }
  *window = {x.dims[0],
             x.dims[3],
             {x.dims[1], y.dims[1], kernelH, params.strideH, params.dilationH, params.padTop},
             {x.dims[2], y.dims[2], kernelW, params.strideW, params.dilationW, params.padLeft}};
  return {};
}

}  // namespace octavo
