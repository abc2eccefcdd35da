// Bits as the kernels of kernels/bitdot read them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/kernels/bitdot/bitdot.h"
#include "native/pack/store.h"

namespace octavo {

inline size_t wordsOf(size_t bits) { return (bits + 31) / 32; }

// Copies `count` bits from bit `first` of `bits` on to whole words; the rest of the last one is 0.
void copyBits(const uint8_t* bits, size_t first, size_t count, uint32_t* words);

// Packs weight [columns][depth], one bit after the other: panels of the kernel's columns.
AlignedBuffer packBits(const BitDotKernel& kernel, const uint8_t* weight, size_t columns,
                       size_t depth);

}  // namespace octavo
