// int8 weights eight at a time: pairs of bytes are the 16-bit lanes of a word.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

// One number of 16 bits, in each lane of a word.
constexpr uint64_t lanes(uint64_t number) { return number * 0x0001000100010001; }

// Adds up the two bytes of each lane, each as a number from 0 on.
inline uint64_t pairSums(uint64_t word) { return (word & lanes(0xff)) + (word >> 8 & lanes(0xff)); }

// Σ of the weights, modulo 2^32.
uint32_t sumWeights(const int8_t* weights, size_t count);

}  // namespace octavo
