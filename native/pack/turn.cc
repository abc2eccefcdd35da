#include "native/pack/turn.h"

#include <algorithm>
#include <cstring>

#include "native/kernels/transpose/transpose.h"
#include "native/pack/buffer.h"

namespace octavo {
namespace {

// Rows and columns that are turned at a time: caches hold them, however far apart rows lie.
constexpr size_t kTile = 64;

// Rows [first, end) of a plane at `from`, tile by tile; `to`: where those of row 0 go.
void turnRows(const Turn& turn, const TransposeKernel& kernel, const uint8_t* from, size_t first,
              size_t end, uint8_t* to) {
  for (size_t row = first; row < end; row += kTile) {
    for (size_t column = 0; column < turn.columns; column += kTile) {
      kernel.run({from + ((row - first) * turn.columns + column) * turn.elementBytes,
                  to + (column * turn.rows + row) * turn.elementBytes, turn.columns, turn.rows,
                  std::min(kTile, end - row), std::min(kTile, turn.columns - column)});
    }
  }
}

}  // namespace

void turn(const Turn& turn, Isa isa, const uint8_t* from, uint8_t* to) {
  const TransposeKernel& kernel = chooseTranspose(isa, turn.elementBytes);
  const size_t rowBytes = turn.columns * turn.elementBytes, planeBytes = turn.rows * rowBytes;
  if (planeBytes == 0) return;
  for (size_t batch = 0; batch + 1 < turn.batches; ++batch) {
    turnRows(turn, kernel, from + batch * planeBytes, 0, turn.rows, to + batch * planeBytes);
  }
  if (turn.batches == 0) return;
  // Kernels read beyond the last column: the last rows are turned from where that is allowed.
  const size_t last = std::min(turn.rows, (kTensorSlack + rowBytes - 1) / rowBytes);
  const size_t first = turn.rows - last;
  from += (turn.batches - 1) * planeBytes;
  to += (turn.batches - 1) * planeBytes;
  turnRows(turn, kernel, from, 0, first, to);
  const AlignedBuffer copy(last * rowBytes);
  std::memcpy(copy.data(), from + first * rowBytes, last * rowBytes);
  turnRows(turn, kernel, copy.data(), first, turn.rows, to);
}

}  // namespace octavo
