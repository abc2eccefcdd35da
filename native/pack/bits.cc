#include "native/pack/bits.h"

#include <cstring>
#include <vector>

namespace octavo {

void copyBits(const uint8_t* bits, size_t first, size_t count, uint32_t* words) {
  auto* to = reinterpret_cast<uint8_t*>(words);
  const uint8_t* from = bits + first / 8;
  const size_t shift = first % 8, whole = count / 8, rest = count % 8;
  std::memset(to + whole, 0, 4 * wordsOf(count) - whole);
  if (shift == 0) {
    std::memcpy(to, from, whole);
  } else {
    for (size_t i = 0; i < whole; ++i) {
      to[i] = static_cast<uint8_t>(from[i] >> shift | from[i + 1] << (8 - shift));
    }
  }
  if (rest == 0) return;
  uint32_t last = from[whole];
  if (shift + rest > 8) last |= static_cast<uint32_t>(from[whole + 1]) << 8;
  to[whole] = static_cast<uint8_t>(last >> shift & ((1u << rest) - 1));
}

AlignedBuffer packBits(const BitDotKernel& kernel, const uint8_t* weight, size_t columns,
                       size_t depth) {
  const auto width = static_cast<size_t>(kernel.columns);
  const size_t words = wordsOf(depth), panels = (columns + width - 1) / width;
  AlignedBuffer packed(panels * words * width * sizeof(uint32_t), Pages::kShared);
  std::vector<uint32_t> column(words);
  for (size_t c = 0; c < columns; ++c) {
    copyBits(weight, c * depth, depth, column.data());
    auto* to = reinterpret_cast<uint32_t*>(packed.data()) + c / width * words * width + c % width;
    for (size_t word = 0; word < words; ++word) to[word * width] = column[word];
  }
  return packed;
}

}  // namespace octavo
