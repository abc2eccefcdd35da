// Plain C++, for any CPU, and the specification of the family.
#include "native/kernels/bitdot/bitdot.h"
#include "native/kernels/bitdot/store.h"

namespace octavo {
namespace {

// Bits that are set, by adding neighbours: in pairs, in fours, in eights, and all eights together.
uint32_t countBits(uint32_t v) {
  v -= v >> 1 & 0x55555555u;
  v = (v & 0x33333333u) + (v >> 2 & 0x33333333u);
  v = (v + (v >> 4)) & 0x0f0f0f0fu;
  return (v * 0x01010101u) >> 24;
}

}  // namespace

void bitdot_x16_portable(const BitDotArgs& args) {
  constexpr size_t kColumns = 16;
  for (size_t row = 0; row < args.rows; ++row) {
    uint32_t differing[kColumns] = {};
    const uint32_t* x = args.x + row * args.xStride;
    const uint32_t* w = args.panel;
    for (size_t word = 0; word < args.words; ++word, w += kColumns) {
      for (size_t c = 0; c < kColumns; ++c) differing[c] += countBits(x[word] ^ w[c]);
    }
    storeBitDotRow(args, row, differing);
  }
}

}  // namespace octavo
