// Plain C++, for any CPU, and the specification of the family.
#include <string.h>

#include "native/kernels/nbits/nbits.h"

namespace octavo {

void nbits_s8u4f32_x16_portable(const NbitsArgs& args) {
  constexpr size_t kColumns = 16;
  for (size_t row = 0; row < args.rows; ++row) {
    float sum[kColumns] = {};
    const uint8_t* record = args.panel;
    for (size_t block = 0; block < args.blocks; ++block) {
      float scale[kColumns];
      memcpy(scale, record, sizeof scale);
      const uint8_t* zero = record + sizeof scale;
      const int32_t xSum = args.sums[row * args.blocks + block];
      int32_t acc[kColumns];
      for (size_t c = 0; c < kColumns; ++c) acc[c] = -xSum * (args.zeros ? zero[c] : 8);

      const uint8_t* nibbles = record + nbitsHead(kColumns, args.zeros);
      const int8_t* x = args.x + row * args.xStride + block * 8 * args.pairs;
      const size_t pairs = block + 1 < args.blocks ? args.pairs : args.lastPairs;
      for (size_t pair = 0; pair < pairs; ++pair, x += 8, nibbles += 4 * kColumns) {
        for (size_t c = 0; c < kColumns; ++c) {
          const uint8_t* w = nibbles + 4 * c;
          for (int i = 0; i < 4; ++i) acc[c] += x[i] * (w[i] & 15) + x[i + 4] * (w[i] >> 4);
        }
      }
      for (size_t c = 0; c < kColumns; ++c) sum[c] += static_cast<float>(acc[c]) * scale[c];
      record += nbitsHead(kColumns, args.zeros) + args.pairs * 4 * kColumns;
    }
    float* y = args.y + row * args.yStride;
    for (size_t c = 0; c < args.columns; ++c) {
      y[c] = sum[c] * args.xScale[row];
      if (args.bias != nullptr) y[c] += args.bias[c];
    }
  }
}

void blocksum_s8i32_portable(const BlockSumArgs& args) {
  const int8_t* x = args.x;
  for (size_t block = 0; block < args.blocks; ++block) {
    const size_t pairs = block + 1 < args.blocks ? args.pairs : args.lastPairs;
    int32_t sum = 0;
    for (size_t i = 0; i < 8 * pairs; ++i) sum += x[i];
    args.sums[block] = sum;
    x += 8 * args.pairs;
  }
}

}  // namespace octavo
