#include "native/pack/quadcover.h"

#include <bitset>
#include <cstdlib>
#include <cstring>

#include "native/kernels/dot/dot.h"

namespace octavo {
namespace {

size_t lowestBit(uint64_t bits) { return std::bitset<64>((bits & (~bits + 1)) - 1).count(); }

// Bits from number `first` on.
uint32_t bitsFrom(const uint64_t* bits, size_t first) {
  uint64_t word;
  std::memcpy(&word, reinterpret_cast<const uint8_t*>(bits) + first / 8, sizeof word);
  return static_cast<uint32_t>(word >> first % 8);
}

// Whether a byte and two more are more in some column than two pairs can hold.
bool isTooMuch(const QuadRows& rows, size_t at) {
  bool isBeyond = false;
  for (size_t column = 0; column < kQuadColumns; ++column) {
    const int8_t* weights = rows.first + column * rows.stride + at;
    isBeyond = isBeyond || std::abs(weights[0] + weights[1] + weights[2]) > 2 * kMostOfPair;
  }
  return isBeyond;
}

}  // namespace

void QuadCover::cover(const QuadRows& rows, std::vector<uint8_t>* steps) {
  mark(rows);
  size_t at = 0;
  // No quad before it takes a share of a first pair that is large: one byte is on its own.
  for (; (large_[1 + at / 64] >> at % 64 & 1) != 0; ++at) steps->push_back(1);
  if (at == rows.depth) return;
  const Stage* stage = findStages(at, rows.depth);
  at = stage->most;
  for (uint32_t begins = stage->alone; begins >> 31 == 0; begins <<= 1) --at;
  // Back from the last quad to the first one.
  const Stage* const first = stages_.data();
  steps->insert(steps->end(), static_cast<size_t>(stage - first) + 1, 4);
  uint8_t* step = &steps->back();
  while (stage != first) {
    --stage;
    const size_t lag = stage->most + 4 - at;
    const auto isIn = [](uint32_t places, size_t lag) { return (places << lag) >> 31 != 0; };
    const uint8_t taken = isIn(stage->alone, lag) ? 4 : isIn(stage->sharing, lag - 1) ? 3 : 2;
    *--step = taken;
    at -= taken;
  }
}

void QuadCover::mark(const QuadRows& rows) {
  const size_t words = (rows.depth + 63) / 64;
  for (auto* bits : {&large_, &tooMuch_, &notAlone_, &notSharing_}) bits->assign(words + 3, 0);
  kernel_.mark({rows, &large_[1]});
  for (size_t i = 1; i <= words; ++i) {
    // Of two pairs that are large, one behind the other.
    uint64_t bits = large_[i] & (large_[i] >> 1 | large_[i + 1] << 63);
    for (; bits != 0; bits &= bits - 1) {
      const size_t bit = lowestBit(bits);
      if (isTooMuch(rows, 64 * (i - 1) + bit)) tooMuch_[i] |= uint64_t{1} << bit;
    }
  }
  for (size_t i = 0; i <= words; ++i) {
    const auto behind = [i](const std::vector<uint64_t>& bits, int bytes) {
      return bits[i] >> bytes | bits[i + 1] << (64 - bytes);
    };
    notAlone_[i] = behind(large_, 2) | behind(large_, 4);
    notSharing_[i] = behind(tooMuch_, 2);
  }
}

// Of the quads from byte `first` on, up to the first one that reaches the end if it is alone.
const QuadCover::Stage* QuadCover::findStages(size_t first, size_t depth) {
  if (stages_.size() < depth) stages_.resize(depth);
  const uint64_t *notAlone = notAlone_.data(), *notSharing = notSharing_.data();
  uint32_t begins = uint32_t{1} << 31;
  size_t most = first;
  for (Stage* stage = stages_.data();; ++stage, most += 4) {
    for (; begins >> 31 == 0; begins <<= 1) --most;
    const uint32_t alone = begins & ~bitsFrom(notAlone, most + 64 - 31);
    const uint32_t sharing = begins & ~bitsFrom(notSharing, most + 64 - 31);
    stage->alone = alone;
    stage->sharing = sharing;
    stage->most = most;
    if (most + 4 >= depth && alone >> (31 - (most + 4 - depth)) != 0) return stage;
    begins = alone | sharing >> 1 | begins >> 2;
  }
}

}  // namespace octavo
