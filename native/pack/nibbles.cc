#include "native/pack/nibbles.h"

#include <algorithm>
#include <cstring>

#include "native/round.h"

namespace octavo {
namespace {

int nibbleAt(const uint8_t* nibbles, size_t i) { return nibbles[i / 2] >> (i % 2 * 4) & 15; }

int zeroAt(const NibbleMatrix& matrix, size_t column, size_t block) {
  if (matrix.zero == nullptr) return 8;
  return nibbleAt(matrix.zero + column * divideUp(matrix.blocks(), 2), block);
}

}  // namespace

std::string NibbleLayout::form(const NibbleMatrix& matrix) const {
  std::string text = kernel->name;
  for (size_t n : {matrix.columns, matrix.depth, matrix.blockSize}) text += ' ' + std::to_string(n);
  return text;
}

NibbleLayout layoutNibbles(Isa isa, const NibbleMatrix& matrix) {
  NibbleLayout layout{};
  layout.kernel = &chooseNbits(isa);
  layout.blocks = matrix.blocks();
  layout.pairs = matrix.blockSize / 8;
  if (layout.blocks > 0) {
    layout.lastPairs = divideUp(matrix.depth - (layout.blocks - 1) * matrix.blockSize, 8);
  }
  for (size_t column = 0; column < matrix.columns && !layout.zeros; ++column) {
    for (size_t block = 0; block < layout.blocks; ++block) {
      layout.zeros |= zeroAt(matrix, column, block) != 8;
    }
  }
  const auto width = static_cast<size_t>(layout.kernel->columns);
  layout.panels = divideUp(matrix.columns, width);
  const size_t record = nbitsHead(width, layout.zeros) + layout.pairs * 4 * width;
  layout.panelBytes = divideUp(layout.blocks * record, kTensorAlignment) * kTensorAlignment;
  return layout;
}

AlignedBuffer packNibbles(const NibbleLayout& layout, const NibbleMatrix& matrix) {
  AlignedBuffer packed(layout.panels * layout.panelBytes, Pages::kShared);
  const auto width = static_cast<size_t>(layout.kernel->columns);
  const size_t head = nbitsHead(width, layout.zeros), record = head + layout.pairs * 4 * width;
  const size_t half = matrix.blockSize / 2;
  for (size_t column = 0; column < matrix.columns; ++column) {
    const size_t at = column % width;
    uint8_t* to = packed.data() + column / width * layout.panelBytes;
    for (size_t block = 0; block < layout.blocks; ++block, to += record) {
      const size_t i = column * layout.blocks + block;
      const int zero = zeroAt(matrix, column, block);
      std::memcpy(to + 4 * at, matrix.scale + i, sizeof(float));
      if (layout.zeros) to[4 * width + at] = static_cast<uint8_t>(zero);
      const size_t count = std::min(matrix.blockSize, matrix.depth - block * matrix.blockSize);
      const uint8_t* from = matrix.nibbles + i * half;
      const size_t pairs = block + 1 < layout.blocks ? layout.pairs : layout.lastPairs;
      uint8_t* bytes = to + head + 4 * at;
      for (size_t pair = 0; pair < pairs; ++pair, bytes += 4 * width) {
        for (size_t k = 8 * pair; k < 8 * pair + 4; ++k) {
          const int low = k < count ? nibbleAt(from, k) : zero;
          const int high = k + 4 < count ? nibbleAt(from, k + 4) : zero;
          bytes[k % 8] = static_cast<uint8_t>(low | high << 4);
        }
      }
    }
  }
  return packed;
}

}  // namespace octavo
