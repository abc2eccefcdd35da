#include "native/pack/words.h"

#include <algorithm>
#include <cstdlib>

#include "native/round.h"

namespace octavo {
namespace {

// What the magnitudes of a chunk's weights may add up to.
constexpr int64_t kMostSum = 65535;
// Chunks shorter than this cost more than multiplying twice.
constexpr size_t kLeastChunk = 8;
// Twice this many weights of magnitude 128 are within kMostSum.
constexpr size_t kSplitChunk = 255;

bool fits(const int16_t* weight, size_t columns, size_t depth, size_t chunk) {
  for (size_t column = 0; column < columns; ++column) {
    const int16_t* w = weight + column * depth;
    for (size_t first = 0; first < depth; first += 2 * chunk) {
      int64_t sum = 0;
      const size_t end = std::min(depth, first + 2 * chunk);
      for (size_t k = first; k < end; ++k) sum += std::abs(static_cast<int32_t>(w[k]));
      if (sum > kMostSum) return false;
    }
  }
  return true;
}

}  // namespace

std::string WordLayout::form() const {
  std::string text = kernel->name;
  for (size_t n : {columns, depth}) text += ' ' + std::to_string(n);
  return text;
}

WordLayout layoutWords(Isa isa, const int16_t* weight, size_t columns, size_t depth) {
  WordLayout layout{&chooseDot16(isa), columns, depth, divideUp(depth, 2), 0, 1, 0, 0};
  layout.chunk = std::max<size_t>(layout.pairs, 1);
  while (!fits(weight, columns, depth, layout.chunk)) {
    layout.chunk /= 2;
    if (layout.chunk >= kLeastChunk) continue;
    layout.parts = 2;
    layout.chunk = kSplitChunk;
    break;
  }
  const auto width = static_cast<size_t>(layout.kernel->columns);
  layout.panels = divideUp(columns, width);
  layout.panelWords = divideUp(layout.parts * layout.pairs * 2 * width, 32) * 32;
  return layout;
}

AlignedBuffer packWords(const WordLayout& layout, const int16_t* weight) {
  AlignedBuffer packed(layout.panels * layout.panelWords * sizeof(int16_t), Pages::kShared);
  const auto width = static_cast<size_t>(layout.kernel->columns);
  const size_t partWords = layout.pairs * 2 * width;
  for (size_t column = 0; column < layout.columns; ++column) {
    auto* to = reinterpret_cast<int16_t*>(packed.data()) + column / width * layout.panelWords +
               2 * (column % width);
    for (size_t k = 0; k < layout.depth; ++k) {
      const int32_t w = weight[column * layout.depth + k];
      int16_t* at = to + k / 2 * 2 * width + k % 2;
      if (layout.parts == 1) {
        *at = static_cast<int16_t>(w);
        continue;
      }
      const int32_t low = ((w + 128) & 255) - 128;
      at[0] = static_cast<int16_t>((w - low) / 256);
      at[partWords] = static_cast<int16_t>(low);
    }
  }
  return packed;
}

}  // namespace octavo
