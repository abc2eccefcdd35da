// 4-bit weights as the kernels of kernels/nbits read them: columns cut into panels of one width, a
// record for each block. nbits.h tells the layout of a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "native/kernels/nbits/nbits.h"
#include "native/pack/store.h"

namespace octavo {

// Weights as ONNX's MatMulNBits has them.
struct NibbleMatrix {
  const uint8_t* nibbles;  // [columns][blocks][blockSize / 2], the low half first
  const float* scale;      // [columns][blocks]
  const uint8_t* zero;     // [columns][blocks], 4 bits each, columns padded to a byte; null: all 8
  size_t columns, depth, blockSize;

  size_t blocks() const { return (depth + blockSize - 1) / blockSize; }
};

// How the columns are cut.
struct NibbleLayout {
  const NbitsKernel* kernel;
  size_t blocks;
  size_t pairs, lastPairs;
  bool zeros;
  size_t panels, panelBytes;

  std::string form(const NibbleMatrix& matrix) const;
};

NibbleLayout layoutNibbles(Isa isa, const NibbleMatrix& matrix);

AlignedBuffer packNibbles(const NibbleLayout& layout, const NibbleMatrix& matrix);

}  // namespace octavo
