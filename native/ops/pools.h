// Windows of a pooling step as the kernels take them: the part that lies on the input, for as many
// neighbouring outputs as share its form.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/kernels/pool/pool.h"
#include "native/ops/parts.h"
#include "native/ops/window.h"

namespace octavo {

// Calls visit(pool, pixel) for runs of outputs (there must be some), `pixel` being the first one's
// number. pool.rows or pool.cells is 0 where a window lies on padding alone; pool.x must not be
// read then.
template <typename Visit>
void forEachPool(Team& team, const Window& window, const uint8_t* x, int64_t elementBytes,
                 Visit&& visit) {
  const WindowAxis &h = window.h, &w = window.w;
  const int64_t pixelBytes = window.channels * elementBytes, rowBytes = w.input * pixelBytes;
  const auto rows = static_cast<size_t>(window.batch * h.output);
  const double work = static_cast<double>(w.output * pixelBytes) *
                      static_cast<double>(std::min(h.kernel, h.input)) *
                      static_cast<double>(std::min(w.kernel, w.input));
  const auto grain = static_cast<size_t>(std::max(1.0, kPartBytes / std::max(1.0, work)));
  forEachPart(team, rows, grain, 1, [&](size_t begin, size_t end, size_t) {
    for (auto row = static_cast<int64_t>(begin); row < static_cast<int64_t>(end); ++row) {
      const int64_t oh = row % h.output, image = row / h.output;
      const int64_t top = h.firstCell(oh), bottom = h.endCell(oh);
      const int64_t ih = image * h.input + h.origin(oh) + top * h.dilation;
      for (int64_t ow = 0, next; ow < w.output; ow = next) {
        const int64_t left = w.firstCell(ow), right = w.endCell(ow);
        next = ow + 1;
        while (next < w.output && w.firstCell(next) == left && w.endCell(next) == right) ++next;
        const int64_t iw = w.origin(ow) + left * w.dilation;
        PoolWindow pool{};
        pool.x = x + ih * rowBytes + iw * pixelBytes;
        pool.outputs = static_cast<size_t>(next - ow);
        pool.outputStride = static_cast<size_t>(w.stride * pixelBytes);
        pool.rows = static_cast<size_t>(bottom - top);
        pool.rowStride = static_cast<size_t>(h.dilation * rowBytes);
        pool.cells = static_cast<size_t>(right - left);
        pool.cellStride = static_cast<size_t>(w.dilation * pixelBytes);
        visit(pool, row * w.output + ow);
      }
    }
  });
}

}  // namespace octavo
