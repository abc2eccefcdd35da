#include "native/pack/lanes.h"

#include <algorithm>
#include <cstring>

namespace octavo {

uint32_t sumWeights(const int8_t* weights, size_t count) {
  // Lanes hold the sums of so many words.
  constexpr size_t kWords = 128;
  uint32_t sum = 0;
  const int8_t* const end = weights + count;
  for (size_t left = count / sizeof(uint64_t); left > 0;) {
    const size_t words = std::min(left, kWords);
    uint64_t sums = 0;
    for (size_t i = 0; i < words; ++i) {
      uint64_t word;
      std::memcpy(&word, weights + i * sizeof word, sizeof word);
      sums += pairSums(word ^ lanes(0x8080));
    }
    // The lanes' sum, less the 128 by which each byte was more.
    sums = (sums & 0x0000ffff0000ffff) + ((sums >> 16) & 0x0000ffff0000ffff);
    sum += static_cast<uint32_t>(sums + (sums >> 32)) -
           static_cast<uint32_t>(words * sizeof(uint64_t) * 128);
    weights += words * sizeof(uint64_t);
    left -= words;
  }
  for (; weights != end; ++weights) sum += static_cast<uint32_t>(int32_t{*weights});
  return sum;
}

}  // namespace octavo
