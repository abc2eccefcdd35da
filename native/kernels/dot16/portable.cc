// Plain C++, for any CPU, and the specification of the family.
#include "native/kernels/dot16/dot16.h"
#include "native/kernels/dot16/store.h"

namespace octavo {

void dot_s16s16i64_x8_portable(const Dot16Args& args) {
  constexpr size_t kColumns = 8;
  for (size_t row = 0; row < args.rows; ++row) {
    const int16_t* x = args.x + row * args.xStride;
    const int16_t* w = args.panel;
    int64_t sums[kColumns] = {};
    for (size_t part = 0; part < args.parts; ++part) {
      if (part > 0) {
        for (int64_t& sum : sums) sum *= 256;
      }
      for (size_t pair = 0; pair < args.pairs;) {
        int32_t acc[kColumns] = {};
        const size_t left = args.pairs - pair,
                     end = left < args.chunk ? args.pairs : pair + args.chunk;
        for (; pair < end; ++pair, w += 2 * kColumns) {
          for (size_t c = 0; c < kColumns; ++c) {
            acc[c] += x[2 * pair] * w[2 * c] + x[2 * pair + 1] * w[2 * c + 1];
          }
        }
        for (size_t c = 0; c < kColumns; ++c) sums[c] += acc[c];
      }
    }
    storeDot16Row(args, row, sums);
  }
}

}  // namespace octavo
