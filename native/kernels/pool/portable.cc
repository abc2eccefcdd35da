// Plain C++, for any CPU, and the specification of the family.
#include <string.h>

#include "native/kernels/pool/pool.h"
#include "native/kernels/scalar.h"

namespace octavo {
namespace {

// Calls fold(cell) with the address of channel byte `at` of each cell of an output.
template <typename Fold>
void forEachCell(const PoolWindow& window, size_t output, size_t at, Fold&& fold) {
  const uint8_t* x = window.x + output * window.outputStride + at;
  for (size_t i = 0; i < window.rows; ++i) {
    for (size_t j = 0; j < window.cells; ++j) {
      fold(x + i * window.rowStride + j * window.cellStride);
    }
  }
}

template <typename T>
void maxPool(const MaxPoolArgs& args) {
  uint8_t* y = args.y;
  for (size_t o = 0; o < args.window.outputs; ++o) {
    for (size_t at = 0; at < args.channelBytes; at += sizeof(T), y += sizeof(T)) {
      T best;
      memcpy(&best, args.window.x + o * args.window.outputStride + at, sizeof best);
      forEachCell(args.window, o, at, [&](const uint8_t* cell) {
        T x;
        memcpy(&x, cell, sizeof x);
        if (x > best || x != x) best = x;
      });
      memcpy(y, &best, sizeof best);
    }
  }
}

}  // namespace

void maxpool_u8_portable(const MaxPoolArgs& args) { maxPool<uint8_t>(args); }
void maxpool_s8_portable(const MaxPoolArgs& args) { maxPool<int8_t>(args); }
void maxpool_f32_portable(const MaxPoolArgs& args) { maxPool<float>(args); }

void averagepool_u8_portable(const QAveragePoolArgs& args) {
  for (size_t o = 0; o < args.window.outputs; ++o) {
    for (size_t c = 0; c < args.channels; ++c) {
      uint32_t acc = 0;  // unsigned: it wraps where a vector instruction would
      forEachCell(args.window, o, c, [&](const uint8_t* cell) {
        acc += static_cast<uint32_t>(*cell) - static_cast<uint32_t>(args.xZero);
      });
      const float value = static_cast<float>(static_cast<int32_t>(acc)) * args.multiplier;
      const size_t at = o * args.channels + c;
      if (args.toFloat) {
        static_cast<float*>(args.y)[at] = value;
      } else {
        static_cast<uint8_t*>(args.y)[at] =
            static_cast<uint8_t>(roundToInteger(value, args.zero, args.min, args.max));
      }
    }
  }
}

}  // namespace octavo
