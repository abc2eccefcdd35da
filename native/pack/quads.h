// Quads, four int8 weights each, eight bytes at a time: how much they sum up to, and which of them
// are large.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

// Sets mask[q] to all ones where quad q of the bytes is not small, as isSmallPair has it
// (kernels/dot/dot.h); bytes behind `count` are 0. `mask` has an even number of quads.
void markLargeQuads(const int8_t* bytes, size_t count, uint32_t* mask);

// Σ of the bytes, modulo 2^32; with a mask, of those alone whose quads are set in it.
uint32_t sumQuads(const int8_t* bytes, size_t count, const uint32_t* mask);

}  // namespace octavo
