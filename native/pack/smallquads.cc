#include "native/pack/smallquads.h"

#include <cstring>

namespace octavo {

void SmallQuads::cover(const Columns& columns, size_t taps, size_t depth) {
  for (size_t tap = 0; tap < taps; ++tap) {
    cover_.cover(rowsOf(columns, tap * depth, depth), &steps_);
  }
}

void SmallQuads::put(const Columns& columns, size_t taps, size_t depth, QuadSpan* spans) {
  uint32_t ones = 0;
  for (size_t tap = 0; tap <= taps; ++tap) {
    spans[tap] = {put_, ones};
    if (tap == taps || depth == 0) continue;
    const uint8_t* steps = steps_.data() + taken_;
    size_t count = 0;
    for (size_t at = 0; at < depth; at += steps[count++]) continue;
    taken_ += count;
    if (oneOrder_.size() < ones + count) {
      oneOrder_.resize(ones + count);
      ones_.resize((ones + count) * kQuadBytes);
    }
    const QuadList oneList{ones_.data() + ones * kQuadBytes, oneOrder_.data() + ones};
    const size_t twos =
        kernel_.pair({rowsOf(columns, tap * depth, depth), steps, count, listFrom(put_), oneList});
    put_ += static_cast<uint32_t>(twos);
    ones += static_cast<uint32_t>(count - twos);
  }
  for (size_t tap = 0; tap <= taps; ++tap) spans[tap].one += put_;
  if (ones == 0) return;
  const QuadList rest = listFrom(put_);
  std::memcpy(rest.weights, ones_.data(), ones * kQuadBytes);
  std::memcpy(rest.order, oneOrder_.data(), ones * sizeof(uint32_t));
  put_ += ones;
}

QuadList SmallQuads::listFrom(size_t quad) const {
  return {to_.weights + quad * kQuadBytes, to_.order + quad};
}

// Copies of a tap's columns that lie so far apart that caches hold all of them.
QuadRows SmallQuads::rowsOf(const Columns& columns, size_t first, size_t depth) {
  const size_t padded = (depth + 63) / 64 * 64 + 3, stride = padded + 61;
  if (rows_.size() < kQuadColumns * stride) rows_.resize(kQuadColumns * stride);
  int8_t* row = rows_.data();
  for (const int8_t* column : columns) {
    const size_t taken = column == nullptr ? 0 : depth;
    if (taken > 0) std::memcpy(row, column + first, taken);
    std::memset(row + taken, 0, padded - taken);
    row += stride;
  }
  return {rows_.data(), stride, depth};
}

}  // namespace octavo
