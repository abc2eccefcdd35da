// quantize: all lengths up to a few vectors, special values, ties, both types.
#include "native/kernels/quantize/quantize.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_QUANTIZE(name, isa) void name(const QuantizeArgs& args);
#define OCTAVO_DEQUANTIZE(name, isa) void name(const DequantizeArgs& args);
#define OCTAVO_RANGE(name, isa) void name(const RangeArgs& args);
#define OCTAVO_QUANTIZE_ROWS(name, isa) void name(const QuantizeRowsArgs& args);
#include "native/kernels/quantize/kernels.inc"

namespace test {
namespace {

constexpr size_t kLongest = 300;

Guarded input("x", 1 << 12), rowScales("scale", 1 << 10);
Output output("y", 1 << 12);

float drawFloat(float scale, Random& random) {
  switch (random.between(0, 7)) {
    case 0:
      return random.anyFloat();
    case 1:  // a tie, or next to one
      return (static_cast<float>(random.between(-300, 300)) + 0.5f) * scale;
    case 2:
      return random.real(-1e30f, 1e30f);
    default:
      return random.real(-200, 200) * scale;
  }
}

void quantizeCases(const QuantizeKernel& kernel) {
  Random random(4);
  for (size_t count = 0; count <= kLongest; ++count) {
    for (int turn = 0; turn < 8; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const bool isSigned = turn % 4 >= 2;
      note("%ld values, signed %ld, turn %ld", {static_cast<long>(count), isSigned, turn});
      const float scale = turn < 4 ? random.real(0.001f, 2) : std::exp2(random.real(-120, 100));
      const int32_t low = isSigned ? -128 : 0, zero = random.between(low, low + 255);
      auto* x = input.place<float>(edge, count);
      auto* y = static_cast<uint8_t*>(output.place(edge, count, 1));
      for (size_t i = 0; i < count; ++i) {
        x[i] = drawFloat(scale, random);
        output.expect(i, static_cast<uint8_t>(requantized(x[i] / scale, zero, low, low + 255)));
      }
      kernel.run({x, y, count, scale, zero, isSigned});
      output.check();
    }
  }
}

void dequantizeCases(const DequantizeKernel& kernel) {
  Random random(5);
  for (size_t count = 0; count <= kLongest; ++count) {
    for (int turn = 0; turn < 4; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const bool isSigned = turn >= 2;
      note("%ld values, signed %ld, turn %ld", {static_cast<long>(count), isSigned, turn});
      const float scale = std::exp2(random.real(-30, 30));
      const int32_t low = isSigned ? -128 : 0, zero = random.between(low, low + 255);
      auto* x = input.place<uint8_t>(edge, count);
      auto* y = static_cast<float*>(output.place(edge, 4 * count, 4));
      for (size_t i = 0; i < count; ++i) {
        x[i] = static_cast<uint8_t>(random.bits());
        const int32_t q = isSigned ? static_cast<int8_t>(x[i]) : x[i];
        output.expect(4 * i, static_cast<float>(q - zero) * scale);
      }
      kernel.run({x, y, count, scale, zero, isSigned});
      output.check();
    }
  }
}

void rangeCases(const RangeKernel& kernel) {
  Random random(6);
  for (size_t count = 0; count <= kLongest; ++count) {
    for (const Edge edge : {Edge::kFront, Edge::kBack}) {
      note("%ld values, edge %ld", {static_cast<long>(count), static_cast<long>(edge)});
      const bool special = random.coin();
      const float start = random.coin() ? 0 : random.real(-1e20f, 1e20f);
      float low = start, high = start;
      auto* x = input.place<float>(edge, count);
      for (size_t i = 0; i < count; ++i) {
        x[i] = special ? random.anyFloat() : random.real(-10, 10);
        if (x[i] < low) low = x[i];
        if (x[i] > high) high = x[i];
      }
      auto* y = static_cast<float*>(output.place(edge, 8, 4));
      y[0] = y[1] = start;
      output.expect(0, low);
      output.expect(4, high);
      kernel.run({x, count, y, y + 1});
      output.check();
    }
  }
}

void quantizeRowsCases(const QuantizeRowsKernel& kernel) {
  Random random(7);
  for (size_t depth = 0; depth <= kLongest; ++depth) {
    for (int turn = 0; turn < 6; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const auto rows = static_cast<size_t>(random.between(1, 3));
      const bool isSigned = random.coin();
      note("%ld rows of %ld, signed %ld, turn %ld",
           {static_cast<long>(rows), static_cast<long>(depth), isSigned, turn});
      auto* x = input.place<float>(edge, rows * depth);
      auto* y = static_cast<uint8_t*>(output.place(edge, rows * depth, 1));
      std::vector<float> expected(rows);
      auto* scales = rowScales.place<float>(edge, rows);
      const int32_t low = isSigned ? -128 : 0, zero = low + 128;
      for (size_t row = 0; row < rows; ++row) {
        const float scale = turn < 4 ? 1 : std::exp2(random.real(-160, 100));
        float most = 0;
        for (size_t i = row * depth; i < (row + 1) * depth; ++i) {
          x[i] = turn == 0 ? random.real(-1, 1) : turn == 1 ? 0 : drawFloat(scale, random);
          if (std::fabs(x[i]) > most) most = std::fabs(x[i]);
        }
        expected[row] = most / 127 > 0 ? most / 127 : 1;
        for (size_t i = row * depth; i < (row + 1) * depth; ++i) {
          const float quotient = x[i] / expected[row];
          output.expect(i, static_cast<uint8_t>(requantized(quotient, zero, low, low + 255)));
        }
      }
      kernel.run({x, y, scales, rows, depth, isSigned});
      output.check();
      for (size_t row = 0; row < rows; ++row) {
        if (std::memcmp(scales + row, &expected[row], sizeof(float)) != 0) fail("a scale is wrong");
      }
    }
  }
}

}  // namespace

void testQuantize() {
#define OCTAVO_QUANTIZE(name, isa) \
  testKernel<QuantizeKernel, quantizeCases>({#name, Isa::isa, name});
#define OCTAVO_DEQUANTIZE(name, isa) \
  testKernel<DequantizeKernel, dequantizeCases>({#name, Isa::isa, name});
#define OCTAVO_RANGE(name, isa) testKernel<RangeKernel, rangeCases>({#name, Isa::isa, name});
#define OCTAVO_QUANTIZE_ROWS(name, isa) \
  testKernel<QuantizeRowsKernel, quantizeRowsCases>({#name, Isa::isa, name});
#include "native/kernels/quantize/kernels.inc"
}

}  // namespace test
}  // namespace octavo
