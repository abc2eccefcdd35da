// Row pointers of a convolution: for a run of output pixels and each tap of the window, where the
// dot kernels find their bytes. Nothing is copied but, at the borders of images with few channels,
// the parts of a window's row that lie inside.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/ops/window.h"

namespace octavo {

// Which bytes make a tap.
enum class TapForm {
  kCell,  // one cell of the window: `channels` bytes of a pixel
  kRow,   // a whole row of the window, its cells being neighbours in memory: kernelW * channels
          // bytes
};

struct RowPointers {
  Window window;
  TapForm form;

  // Rows of the window are read whole where a cell alone would be a few bytes.
  static TapForm chooseForm(const Window& window, int64_t groups);

  size_t taps() const;
  size_t depth() const;  // bytes of a tap, of all groups
  // Memory for the bordering windows among `pixels` outputs.
  size_t borderBytes(size_t pixels) const;

  // Fills table[tap * count + i] for output pixels first ... first + count - 1. `padding` holds
  // depth() bytes of the zero point and some slack; `border` is borderBytes(count) of memory that
  // lives as long as the table.
  void fill(const uint8_t* x, const uint8_t* padding, size_t first, size_t count,
            const uint8_t** table, uint8_t* border) const;

 private:
  struct Segment;
  void fillCells(const Segment& segment, const uint8_t** table) const;
  void fillRows(const Segment& segment, const uint8_t** table, uint8_t** border) const;
  // A copy of the window's row of output o, whose cells lie inside in part or not at all.
  const uint8_t* borderRow(const Segment& segment, const uint8_t* row, int64_t o,
                           uint8_t** border) const;
  size_t borderStride() const { return (depth() + 3) / 4 * 4; }
};

}  // namespace octavo
