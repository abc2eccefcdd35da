// Plain C++, for any CPU, and the specification of the family: one sum at a time would be as right,
// a small tile lets the compiler vectorize.
#include "native/kernels/f32dot/f32dot.h"
#include "native/kernels/scalar.h"

namespace octavo {
namespace {

constexpr size_t kRows = 4;
constexpr size_t kColumns = 8;

}  // namespace

void dot_f32_4x8_portable(const FloatDotArgs& args) {
  for (size_t row = 0; row < args.rows; row += kRows) {
    const size_t rows = args.rows - row < kRows ? args.rows - row : kRows;
    float* y = args.y + row * args.yStride;
    float acc[kRows][kColumns] = {};
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < args.columns; ++j) {
        acc[i][j] = args.bias != nullptr ? args.bias[j] : y[i * args.yStride + j];
      }
    }
    const float* w = args.weights;
    for (size_t tap = 0; tap < args.taps; ++tap) {
      const size_t run = tap / args.runTaps, place = tap % args.runTaps;
      const size_t at = args.offset + run * args.runStride + place * args.tapStride;
      for (size_t k = 0; k < args.depth; ++k, w += kColumns) {
        for (size_t i = 0; i < rows; ++i) {
          const float a = args.a[row + i][at + k];
          for (size_t j = 0; j < kColumns; ++j) acc[i][j] += a * w[j];
        }
      }
      if (place + 1 == args.runTaps) w += args.weightSkip;
    }
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < args.columns; ++j) {
        y[i * args.yStride + j] = boundFloat(acc[i][j], args.lower, args.upper);
      }
    }
  }
}

}  // namespace octavo
