// The greatest and the average of the cells of a window, for each channel of a channels-last image.
// ops/maxpool and ops/qaveragepool drive them, with the part of the window that lies on the input
// and for as many neighbouring outputs as share its form.
//
// A vector of channels is read at a time, up to its length beyond the last one; kTensorSlack covers
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

// Cell (i, j) of output o begins at x + o * outputStride + i * rowStride + j * cellStride, in
// bytes.
struct PoolWindow {
  const uint8_t* x;
  size_t outputs, outputStride;
  size_t rows, rowStride;    // at least one
  size_t cells, cellStride;  // at least one
};

struct MaxPoolArgs {
  PoolWindow window;
  size_t channelBytes;  // bytes of all channels
  uint8_t* y;           // outputs lie one behind the other
};

// acc = Σ (x - xZero); uint8 y = clamp(rne(f32(acc) * multiplier) + zero, min, max), or, if
// `toFloat`, float32 y = f32(acc) * multiplier.
struct QAveragePoolArgs {
  PoolWindow window;
  size_t channels;
  void* y;
  bool toFloat;
  int32_t xZero;
  float multiplier;
  int32_t zero, min, max;
};

struct MaxPoolKernel {
  const char* name;
  Isa isa;
  void (*run)(const MaxPoolArgs& args);
};

struct QAveragePoolKernel {
  const char* name;
  Isa isa;
  void (*run)(const QAveragePoolArgs& args);
};

const MaxPoolKernel& chooseMaxPoolU8(Isa isa);
const MaxPoolKernel& chooseMaxPoolS8(Isa isa);
const MaxPoolKernel& chooseMaxPoolF32(Isa isa);  // NaN where a cell is NaN
const QAveragePoolKernel& chooseQAveragePool(Isa isa);

}  // namespace octavo
