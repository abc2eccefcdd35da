// dot16: depths that end anywhere in a pair, chunks of every length that the weights allow. half:
// all lengths up to a few vectors, and all values.
#include <algorithm>
#include <cmath>

#include "native/kernels/dot16/dot16.h"
#include "native/kernels/half/half.h"
#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_DOT16(name, isa, columns) void name(const Dot16Args& args);
#include "native/kernels/dot16/kernels.inc"
#define OCTAVO_WIDEN_F16(name, isa) void name(const WidenArgs& args);
#define OCTAVO_WIDEN_BF16(name, isa) void name(const WidenArgs& args);
#include "native/kernels/half/kernels.inc"

namespace test {
namespace {

Guarded input("x", 1 << 17), panels("panel", 1 << 18), biases("bias", 1 << 10);
Guarded multipliers("multiplier", 1 << 10);
Output output("y", 1 << 18);

struct Dot16Case {
  size_t rows, columns, depth, chunk, parts;
  bool extreme, hasBias;
  Dot16Output output;
  Edge edge;
};

int32_t draw(int32_t low, int32_t high, bool extreme, Random& random) {
  return !extreme ? random.between(low, high) : random.coin() ? low : high;
}

void runDot16(const Dot16Kernel& kernel, const Dot16Case& c, Random& random) {
  note("%ld × %ld, depth %ld, chunks of %ld, %ld parts, output %ld, extreme %ld, edge %ld",
       {static_cast<long>(c.rows), static_cast<long>(c.columns), static_cast<long>(c.depth),
        static_cast<long>(c.chunk), static_cast<long>(c.parts), static_cast<long>(c.output),
        c.extreme, static_cast<long>(c.edge)});
  const auto width = static_cast<size_t>(kernel.columns);
  Dot16Args args{};
  args.rows = c.rows;
  args.pairs = (c.depth + 1) / 2;
  args.chunk = c.chunk;
  args.parts = c.parts;
  args.xStride = c.depth + static_cast<size_t>(random.between(0, 1)) * 3;
  const size_t count = (c.rows - 1) * args.xStride + c.depth;
  auto* x = input.place<int16_t>(c.edge, count, c.depth % 2 * 2);
  for (size_t i = 0; i < count; ++i) {
    x[i] = static_cast<int16_t>(draw(-32768, 32767, c.extreme, random));
  }
  args.x = x;

  // The largest weights whose sum over a chunk is no more than the header says.
  const int32_t most =
      c.parts == 2 ? 32767 : std::min<int32_t>(32767, 65535 / static_cast<int32_t>(2 * c.chunk));
  const int32_t least = c.parts == 2 ? -32768 : -most;
  std::vector<int16_t> weight(c.depth * width), panel(c.parts * args.pairs * width * 2);
  for (size_t i = 0; i < weight.size(); ++i) {
    const size_t k = i / width, column = i % width, pairs = args.pairs;
    const int32_t w = draw(least, most, c.extreme, random), high = (w + 128) >> 8;
    weight[i] = static_cast<int16_t>(w);
    const size_t at = (k / 2 * width + column) * 2 + k % 2;
    panel[at] = static_cast<int16_t>(c.parts == 2 ? high : w);
    if (c.parts == 2) panel[pairs * width * 2 + at] = static_cast<int16_t>(w - 256 * high);
  }
  args.panel = panels.copy(c.edge, panel, 0, 64);
  std::vector<int32_t> bias(c.columns);
  std::vector<float> multiplier(c.columns);
  for (int32_t& b : bias) b = random.between(-1000000000, 1000000000);
  for (float& m : multiplier) m = random.real(0, 2) * (c.extreme ? 1e-6f : 1e-5f);
  args.bias = c.hasBias ? biases.copy(c.edge, bias) : nullptr;
  args.multiplier = multipliers.copy(c.edge, multiplier);
  args.columns = c.columns;
  args.output = c.output;
  args.min = random.between(-32768, 0);
  args.max = random.between(0, 32767);

  const size_t size = c.output == Dot16Output::kInt16 ? 2 : c.output == Dot16Output::kInt64 ? 8 : 4;
  args.yStride = c.columns + static_cast<size_t>(random.between(0, 1)) * 5;
  args.y = output.place(c.edge, size * ((c.rows - 1) * args.yStride + c.columns), size);
  for (size_t row = 0; row < c.rows; ++row) {
    for (size_t column = 0; column < c.columns; ++column) {
      int64_t acc = c.hasBias ? bias[column] : 0;
      for (size_t k = 0; k < c.depth; ++k) {
        acc += int64_t{x[row * args.xStride + k]} * weight[k * width + column];
      }
      const float value = static_cast<float>(acc) * multiplier[column];
      const size_t at = size * (row * args.yStride + column);
      if (c.output == Dot16Output::kInt64) output.expect(at, acc);
      if (c.output == Dot16Output::kFloat32) output.expect(at, value);
      if (c.output == Dot16Output::kInt16) {
        output.expect(at, static_cast<int16_t>(requantized(value, 0, args.min, args.max)));
      }
    }
  }
  kernel.run(args);
  output.check();
}

void dot16Cases(const Dot16Kernel& kernel) {
  Random random(24);
  for (size_t columns = 1; columns <= static_cast<size_t>(kernel.columns); ++columns) {
    for (size_t rows = 1; rows <= 17; ++rows) {
      for (int turn = 0; turn < (everything ? 20 : 2); ++turn) {
        const auto parts = static_cast<size_t>(random.between(1, 2));
        const auto chunk = static_cast<size_t>(random.between(1, random.coin() ? 4 : 255));
        const auto depth = static_cast<size_t>(random.between(1, random.coin() ? 20 : 300));
        runDot16(kernel,
                 {rows, columns, depth, chunk, parts, random.coin(), random.coin(),
                  static_cast<Dot16Output>(random.between(0, 2)),
                  random.coin() ? Edge::kFront : Edge::kBack},
                 random);
      }
    }
  }
}

double valueOf(uint16_t half, bool isBfloat) {
  const int bits = isBfloat ? 7 : 10, bias = isBfloat ? 127 : 15;
  const int exponents = isBfloat ? 255 : 31;
  const int exponent = (half & 0x7fff) >> bits, fraction = half & ((1 << bits) - 1);
  const double sign = half >> 15 != 0 ? -1 : 1;
  if (exponent == exponents) return fraction == 0 ? sign * HUGE_VAL : NAN;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - bits);
  return sign * std::ldexp(fraction + (1 << bits), exponent - bias - bits);
}

template <bool isBfloat>
void widenCases(const WidenKernel& kernel) {
  Random random(25);
  for (size_t turn = 0; turn <= 202; ++turn) {
    const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
    const bool all = turn > 200;
    const size_t count = all ? 1 << 15 : turn / 2;
    note("%ld values, turn %ld", {static_cast<long>(count), static_cast<long>(turn)});
    auto* x = input.place<uint16_t>(edge, count);
    auto* y = static_cast<float*>(output.place(edge, 4 * count, 4));
    for (size_t i = 0; i < count; ++i) {
      x[i] = static_cast<uint16_t>(all ? i + turn % 2 * 32768 : random.bits());
      const double value = valueOf(x[i], isBfloat);
      if (std::isnan(value)) {
        output.expectFloat(4 * i, value, 0);
      } else {
        output.expect(4 * i, static_cast<float>(value));
      }
    }
    kernel.run({x, y, count});
    output.check();
  }
}

}  // namespace

void testDot16() {
#define OCTAVO_DOT16(name, isa, columns) \
  testKernel<Dot16Kernel, dot16Cases>({#name, Isa::isa, columns, name});
#include "native/kernels/dot16/kernels.inc"
}

void testHalf() {
#define OCTAVO_WIDEN_F16(name, isa) \
  testKernel<WidenKernel, widenCases<false>>({#name, Isa::isa, name});
#define OCTAVO_WIDEN_BF16(name, isa) \
  testKernel<WidenKernel, widenCases<true>>({#name, Isa::isa, name});
#include "native/kernels/half/kernels.inc"
}

}  // namespace test
}  // namespace octavo
