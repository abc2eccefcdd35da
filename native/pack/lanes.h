// int8 weights eight at a time: pairs of bytes are the 16-bit lanes of a word.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "native/kernels/dot/dot.h"

namespace octavo {

// One number of 16 bits, in each lane of a word.
constexpr uint64_t lanes(uint64_t number) { return number * 0x0001000100010001; }

// The first bytes there, 0 behind them.
inline uint64_t wordAt(const void* bytes, size_t count) {
  uint64_t word = 0;
  if (count >= sizeof word) {
    std::memcpy(&word, bytes, sizeof word);
  } else {
    std::memcpy(&word, bytes, count);
  }
  return word;
}

// Adds up the two bytes of each lane, each as a number from 0 on.
inline uint64_t pairSums(uint64_t word) { return (word & lanes(0xff)) + (word >> 8 & lanes(0xff)); }

// The top bit of each lane whose number lies beyond ± most, when `bias` is taken off.
constexpr uint64_t lanesBeyond(uint64_t numbers, uint64_t bias, uint64_t most) {
  return ((numbers + lanes(0x7fff - bias - most)) | (lanes(0x7fff + bias - most) - numbers)) &
         lanes(0x8000);
}

// The top bit of each lane whose weights are not small as a pair: those of different signs always
// are.
inline uint64_t largePairs(uint64_t weights) {
  return lanesBeyond(pairSums(weights ^ lanes(0x8080)), 256, kMostOfPair);
}

// Likewise of each pair and the byte behind it, where they are more than two pairs can hold.
// `behind`: the weights two bytes later.
inline uint64_t tooMuchOfThree(uint64_t weights, uint64_t behind) {
  const uint64_t sums = pairSums(weights ^ lanes(0x8080)) + ((behind ^ lanes(0x80)) & lanes(0xff));
  return lanesBeyond(sums, 384, 2 * kMostOfPair);
}

// Σ of the weights, modulo 2^32.
uint32_t sumWeights(const int8_t* weights, size_t count);

}  // namespace octavo
