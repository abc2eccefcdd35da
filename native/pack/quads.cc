#include "native/pack/quads.h"

#include <algorithm>
#include <cstring>

namespace octavo {
namespace {

// One number of 16 bits, in each lane of a word.
constexpr uint64_t lanes(uint64_t number) { return number * 0x0001000100010001; }

constexpr uint64_t kSigns = lanes(0x8080);

// The first bytes there, 0 behind them.
uint64_t wordAt(const void* bytes, size_t count) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, std::min(count, sizeof word));
  return word;
}

// Adds up the two bytes of each lane, each as a number from 0 on.
uint64_t pairSums(uint64_t word) { return (word & lanes(0xff)) + ((word >> 8) & lanes(0xff)); }

// The top bit of each lane of eight weights whose sum lies beyond ± 128.
uint64_t largePairs(uint64_t weights) {
  constexpr uint64_t kTop = lanes(0x8000);
  const uint64_t sums = pairSums(weights ^ kSigns);  // more by 256 than those of the weights
  return ((sums + lanes(0x7fff - 384)) | (lanes(0x8000 + 127) - sums)) & kTop;
}

}  // namespace

void markLargeQuads(const int8_t* bytes, size_t count, uint32_t* mask) {
  for (size_t k = 0; k < count; k += sizeof(uint64_t)) {
    const uint64_t large = k + sizeof(uint64_t) <= count
                               ? largePairs(wordAt(bytes + k, sizeof(uint64_t)))
                               : largePairs(wordAt(bytes + k, count - k));
    if (large == 0) continue;
    if (static_cast<uint32_t>(large) != 0) mask[k / 4] = UINT32_MAX;
    if (large >> 32 != 0) mask[k / 4 + 1] = UINT32_MAX;
  }
}

uint32_t sumQuads(const int8_t* bytes, size_t count, const uint32_t* mask) {
  // Lanes hold the sums of so many words.
  constexpr size_t kWords = 128;
  const auto weightsAt = [&](size_t k, size_t left) {
    const uint64_t weights = wordAt(bytes + k, left);
    return mask == nullptr ? weights : weights & wordAt(mask + k / 4, sizeof(uint64_t));
  };
  uint32_t sum = 0;
  for (size_t k = 0; k < count;) {
    const size_t end = std::min(count, k + kWords * sizeof(uint64_t));
    uint64_t sums = 0;
    size_t words = 0;
    for (; k + sizeof(uint64_t) <= end; k += sizeof(uint64_t), ++words) {
      sums += pairSums(weightsAt(k, sizeof(uint64_t)) ^ kSigns);
    }
    if (k < end) {
      sums += pairSums(weightsAt(k, end - k) ^ kSigns);
      ++words;
      k = end;
    }
    // The lanes' sum, less the 128 by which each byte was more.
    sums = (sums & 0x0000ffff0000ffff) + ((sums >> 16) & 0x0000ffff0000ffff);
    sum += static_cast<uint32_t>(sums + (sums >> 32)) -
           static_cast<uint32_t>(words * sizeof(uint64_t) * 128);
  }
  return sum;
}

}  // namespace octavo
