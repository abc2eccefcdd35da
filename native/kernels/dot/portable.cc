// Plain C++, for any CPU, and the specification of the family: one accumulator at a time would be
// as right, a small tile lets the compiler vectorize.
#include "native/kernels/dot/dot.h"
#include "native/kernels/scalar.h"

namespace octavo {
namespace {

constexpr int kRows = 4;
constexpr int kColumns = 8;

const uint8_t* rowAt(const DotArgs& args, size_t tap, size_t row) {
  if (args.grid == nullptr) return args.a[tap * args.rows + row] + args.offset;
  const RowGrid& grid = *args.grid;
  return grid.first + row / grid.lineRows * grid.lineStride + row % grid.lineRows * grid.rowStride +
         tap / grid.runTaps * grid.runStride + tap % grid.runTaps * grid.tapStride;
}

uint8_t* resultsAt(const DotArgs& args, size_t row) {
  uint8_t* y = static_cast<uint8_t*>(args.y);
  if (args.grid == nullptr) return y + row * args.yStride;
  const RowGrid& grid = *args.grid;
  return y + row / grid.lineRows * grid.yLineStride + row % grid.lineRows * args.yStride;
}

int32_t add(const DotArgs& args, int32_t code, int32_t residual) {
  const DotSum& sum = *args.sum;
  const float own = static_cast<float>(code - args.zero) * sum.codeMultiplier;
  const float other = static_cast<float>(residual - sum.residualZero) * sum.residualMultiplier;
  return roundToInteger(own + other, sum.zero, sum.min, sum.max);
}

void store(const DotArgs& args, size_t row, uint8_t* y, int p, int32_t acc) {
  if (args.output == DotOutput::kUint8) {
    const float value = static_cast<float>(acc) * args.multiplier[p];
    int32_t code = roundToInteger(value, args.zero, args.min, args.max);
    if (args.sum != nullptr) code = add(args, code, y[p + args.residual]);
    y[p] = static_cast<uint8_t>(code);
  } else if (args.output == DotOutput::kInt32) {
    reinterpret_cast<int32_t*>(y)[p] = acc;
  } else {
    float value = static_cast<float>(acc) * args.multiplier[p];
    if (args.rowScale != nullptr) value *= args.rowScale[row];
    if (args.addend != nullptr) value += args.addend[p];
    // NaN stays NaN, and -0 becomes a bound of 0.
    if (value <= args.lower) value = args.lower;
    reinterpret_cast<float*>(y)[p] = value > args.upper ? args.upper : value;
  }
}

}  // namespace

void dot_u8s8i32_4x8c4_portable(const DotArgs& args) {
  for (size_t row = 0; row < args.rows; row += kRows) {
    const size_t rows = args.rows - row < kRows ? args.rows - row : kRows;
    // Unsigned: sums wrap where a vector instruction's would.
    uint32_t acc[kRows][kColumns];
    for (size_t i = 0; i < rows; ++i) {
      for (int p = 0; p < kColumns; ++p) acc[i][p] = static_cast<uint32_t>(args.bias[p]);
    }
    const int8_t* w = args.weights;
    for (size_t tap = 0; tap < args.taps; ++tap) {
      for (size_t k = 0; k < 4 * args.quads; k += 4, w += 4 * kColumns) {
        for (size_t i = 0; i < rows; ++i) {
          const uint8_t* a = rowAt(args, tap, row + i) + k;
          for (int p = 0; p < kColumns; ++p) {
            const int8_t* b = w + 4 * p;
            acc[i][p] +=
                static_cast<uint32_t>(a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]);
          }
        }
      }
      if (args.grid != nullptr && (tap + 1) % args.grid->runTaps == 0) w += args.grid->weightSkip;
    }
    for (size_t i = 0; i < rows; ++i) {
      uint8_t* y = resultsAt(args, row + i);
      for (int p = 0; p < static_cast<int>(args.columns); ++p) {
        if (args.rowSum != nullptr) {
          acc[i][p] -= static_cast<uint32_t>(args.rowSum[row + i]) *
                       static_cast<uint32_t>(args.weightZero[p]);
        }
        store(args, row + i, y, p, static_cast<int32_t>(acc[i][p]));
      }
    }
  }
}

void rowsum_u8i32_portable(const RowSumArgs& args) {
  for (size_t row = 0; row < args.rows; ++row) {
    uint32_t sum = 0;
    for (size_t tap = 0; tap < args.taps; ++tap) {
      const uint8_t* a = args.a[tap * args.rows + row] + args.offset;
      for (size_t k = 0; k < args.depth; ++k) sum += a[k];
    }
    args.sums[row] = static_cast<int32_t>(sum);
  }
}

}  // namespace octavo
