#include "native/pack/lanes.h"

namespace octavo {

uint32_t sumWeights(const int8_t* weights, size_t count) {
  // Lanes hold the sums of so many words.
  constexpr size_t kWords = 128;
  uint32_t sum = 0;
  for (size_t k = 0; k < count;) {
    const size_t end = std::min(count, k + kWords * sizeof(uint64_t));
    uint64_t sums = 0;
    size_t words = 0;
    for (; k < end; k += sizeof(uint64_t), ++words) {
      sums += pairSums(wordAt(weights + k, end - k) ^ lanes(0x8080));
    }
    // The lanes' sum, less the 128 by which each byte was more.
    sums = (sums & 0x0000ffff0000ffff) + ((sums >> 16) & 0x0000ffff0000ffff);
    sum += static_cast<uint32_t>(sums + (sums >> 32)) -
           static_cast<uint32_t>(words * sizeof(uint64_t) * 128);
    k = end;
  }
  return sum;
}

}  // namespace octavo
