// Quantizing over all float32 and requantizing over all accumulators, by each kernel of the one and
// by a dot kernel of each instruction set for the other. One block in kSample of them, or with
// --all every one: then a share of them, as --part tells.
#include <cmath>

#include "native/kernels/dot/dot.h"
#include "native/kernels/quantize/quantize.h"
#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_QUANTIZE(name, isa) void name(const QuantizeArgs& args);
#include "native/kernels/quantize/kernels.inc"

namespace test {
namespace {

constexpr uint64_t kAll = uint64_t{1} << 32;
constexpr uint64_t kSample = 4001;

Guarded input("x", 1 << 16), pointers("a's pointers", 1 << 10), weights("weights", 1 << 14);
Guarded biases("bias", 1 << 10), multipliers("multiplier", 1 << 10);
Output output("y", 1 << 16);

// Calls run(first) for the blocks of `length` values that are this process's to test.
template <typename Run>
void forEachBlock(uint64_t length, Run run) {
  const uint64_t step = everything ? part.count : kSample;
  for (uint64_t block = everything ? part.index : 0; block < kAll / length; block += step) {
    run(static_cast<uint32_t>(block * length));
  }
}

// clamp(rne(value) + zero, min, max) without a branch, which compilers make vectors of: what is
// left after clamping loses its fraction when 1.5 · 2^23 is added. `requantized` is its reference.
struct Rounding {
  Rounding(int32_t zeroPoint, int32_t min, int32_t max)
      : low(static_cast<float>(min - zeroPoint)),
        high(static_cast<float>(max - zeroPoint)),
        zero(zeroPoint) {}
  uint8_t operator()(float value) const {
    const float above = value > low ? value : low, within = above < high ? above : high;
    const float magic = 12582912.0f, rounded = (within + magic) - magic;
    return static_cast<uint8_t>(static_cast<int32_t>(rounded) + zero);
  }
  float low, high;
  int32_t zero;
};

// The reference of what quantizing and what requantizing makes of `count` values: no more than a
// loop that compilers make vectors of, with nothing that its stores could change.
void quantizeAll(const float* x, size_t count, float scale, Rounding round, uint8_t* y) {
  for (size_t i = 0; i < count; ++i) y[i] = round(x[i] / scale);
}
void requantizeAll(uint32_t first, size_t count, float multiplier, Rounding round, uint8_t* y) {
  for (size_t i = 0; i < count; ++i) {
    const auto acc = static_cast<int32_t>(first + static_cast<uint32_t>(i));
    y[i] = round(static_cast<float>(acc) * multiplier);
  }
}

void checkBytes(const uint8_t* found, const std::vector<uint8_t>& expected) {
  if (std::memcmp(found, expected.data(), expected.size()) == 0) return;
  size_t i = 0;
  while (found[i] == expected[i]) ++i;
  fail("value %zu is %d, not %d", i, found[i], expected[i]);
}

struct Parameters {
  float scale;
  int32_t zero;
  bool isSigned;
};

constexpr Parameters kParameters[] = {
    {1, 0, false},       {1.0f / 255, 0, false}, {0.0235f, 128, false}, {3e-3f, 7, false},
    {0.0471f, -3, true}, {1, 127, true},         {1e-38f, 255, false},  {1.7e36f, -128, true},
};

void everyFloat(const QuantizeKernel& kernel) {
  constexpr size_t kLength = 1 << 12;
  std::vector<uint8_t> expected(kLength);
  for (const auto& [scale, zero, isSigned] : kParameters) {
    const int32_t min = isSigned ? -128 : 0, max = min + 255;
    const Rounding round(zero, min, max);
    forEachBlock(kLength, [&, scale = scale, zero = zero, isSigned = isSigned](uint32_t first) {
      note("zero point %ld, from float 0x%lx", {zero, static_cast<long>(first)});
      float* x = input.place<float>(Edge::kBack, kLength);
      for (uint32_t i = 0; i < kLength; ++i) {
        const uint32_t pattern = first + i;
        std::memcpy(x + i, &pattern, sizeof pattern);
      }
      auto* y = static_cast<uint8_t*>(output.place(Edge::kBack, kLength, 1));
      quantizeAll(x, kLength, scale, round, expected.data());
      if (expected[0] != static_cast<uint8_t>(requantized(x[0] / scale, zero, min, max))) {
        fail("the reference of the first value is wrong");
      }
      kernel.run({x, y, kLength, scale, zero, isSigned});
      checkBytes(y, expected);
    });
  }
}

constexpr float kMultipliers[] = {
    1,       0.5f, 0x1p-8f, 1.0f / 3, 1e-3f,    3e-8f, 0x1p-31f, 1e-38f,
    0.0117f, 7,    3e38f,   -0.01f,   7.77e-5f, 1e-6f, 2.3e-9f,  0,
};

// Column c of row r of a product with `width`: acc = first + c + r · width.
void everyAccumulator(const DotKernel& kernel) {
  constexpr size_t kRows = 64, kLength = 1 << 12;
  const auto width = static_cast<size_t>(kernel.columns), group = static_cast<size_t>(kernel.group);
  std::vector<const uint8_t*> rows(kRows);
  uint8_t* x = input.place<uint8_t>(Edge::kBack, kRows, kTensorSlack);
  for (size_t r = 0; r < kRows; ++r) {
    x[r] = static_cast<uint8_t>(r);
    rows[r] = x + r;
  }
  std::vector<int8_t> panel(width * group);
  for (size_t p = 0; p < width; ++p) panel[p * group] = static_cast<int8_t>(width);
  std::vector<uint8_t> y(kRows * width), expected(y.size());
  const uint32_t shift = isShifted(kernel.form) ? 128 * static_cast<uint32_t>(width) : 0;

  DotArgs args{};
  args.a = pointers.copy(Edge::kBack, rows);
  args.rows = kRows;
  args.taps = args.quads = args.panels = 1;
  const uint32_t order[] = {0};
  const QuadSpan spans[] = {{0, 0}, {0, 1}};
  args.order = order;
  args.spans = spans;
  args.weights = weights.copy(Edge::kBack, panel, kPanelSlack, 64);
  args.y = y.data();
  args.yStride = args.columns = width;
  args.output = DotOutput::kUint8;
  int turn = 0;
  for (const float multiplier : kMultipliers) {
    const int32_t zeros[] = {0, 255, 128, 3};
    args.zero = zeros[turn % 4];
    args.min = turn % 3 == 0 ? args.zero : 0;
    args.max = turn % 5 == 0 ? 200 : 255;
    if (args.max < args.min) args.max = args.min;
    ++turn;
    const Rounding round(args.zero, args.min, args.max);
    args.multiplier = multipliers.copy(Edge::kBack, std::vector<float>(width, multiplier));
    forEachBlock(kLength, [&](uint32_t block) {
      for (uint32_t first = block; first - block < kLength; first += kRows * width) {
        note("multiplier %ld, from accumulator %ld", {turn, static_cast<int32_t>(first)});
        auto* bias = biases.place<int32_t>(Edge::kBack, width);
        for (size_t p = 0; p < width; ++p) {
          const auto column =
              static_cast<uint32_t>(panelColumn(static_cast<int>(p), kernel, DotOutput::kUint8));
          bias[p] = static_cast<int32_t>(first + shift + column);
        }
        args.bias = bias;
        requantizeAll(first, kRows * width, multiplier, round, expected.data());
        const float value = static_cast<float>(static_cast<int32_t>(first)) * multiplier;
        if (expected[0] != requantized(value, args.zero, args.min, args.max)) {
          fail("the reference of the first value is wrong");
        }
        kernel.run(args);
        checkBytes(y.data(), expected);
      }
    });
  }
}

}  // namespace

void testEveryFloat() {
#define OCTAVO_QUANTIZE(name, isa) \
  testKernel<QuantizeKernel, everyFloat>({"every_float_" #name, Isa::isa, name});
#include "native/kernels/quantize/kernels.inc"
}

void testEveryAccumulator() {
  for (int32_t i = 0; i < static_cast<int32_t>(Isa::kCount); ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (!isaBuilt(isa) || !isaSupported(isa)) continue;
    DotKernel kernel = chooseDot(isa, true, 64);
    if (kernel.isa != isa) continue;
    const std::string name = std::string("every_accumulator_") + kernel.name;
    kernel.name = name.c_str();
    testKernel<DotKernel, everyAccumulator>(kernel, kernel.evex);
  }
}

}  // namespace test
}  // namespace octavo
