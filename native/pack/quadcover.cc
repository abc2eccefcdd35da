#include "native/pack/quadcover.h"

#include <bitset>
#include <cstdlib>
#include <cstring>

#include "native/kernels/dot/dot.h"

namespace octavo {
namespace {

size_t lowestBit(uint64_t bits) { return std::bitset<64>((bits & (~bits + 1)) - 1).count(); }

// Bits from number `first` on.
uint32_t bitsFrom(const std::vector<uint64_t>& bits, size_t first) {
  uint64_t word;
  std::memcpy(&word, reinterpret_cast<const uint8_t*>(bits.data()) + first / 8, sizeof word);
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
  at = findStages(at, rows.depth);
  // Back from the last quad to the first one.
  steps->insert(steps->end(), stages_.size(), 4);
  uint8_t* step = &steps->back();
  for (size_t i = stages_.size() - 1; i-- > 0;) {
    const Stage& stage = stages_[i];
    const size_t lag = stage.most + 4 - at;
    const auto isIn = [](uint32_t places, size_t lag) { return (places << lag) >> 31 != 0; };
    *--step = isIn(stage.alone, lag) ? 4 : isIn(stage.sharing, lag - 1) ? 3 : 2;
    at -= *step;
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

// Of the quads from byte `first` on; returns where the last one begins.
size_t QuadCover::findStages(size_t first, size_t depth) {
  stages_.clear();
  uint32_t begins = uint32_t{1} << 31;
  for (size_t most = first;; most += 4) {
    for (; begins >> 31 == 0; begins <<= 1) --most;
    uint32_t alone = begins & ~bitsFrom(notAlone_, most + 64 - 31);
    const uint32_t sharing = begins & ~bitsFrom(notSharing_, most + 64 - 31);
    stages_.push_back({alone, sharing, most});
    if (most + 4 >= depth && alone >> (31 - (most + 4 - depth)) != 0) {
      for (; alone >> 31 == 0; alone <<= 1) --most;
      return most;
    }
    begins = alone | sharing >> 1 | begins >> 2;
  }
}

}  // namespace octavo
