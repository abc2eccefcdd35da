// f32dot and f32depthwise, within the rounding of each product and sum that their headers allow.
#include "native/kernels/f32dot/f32dot.h"

#include <cmath>

#include "native/kernels/f32depthwise/f32depthwise.h"
#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_FLOAT_DOT(name, isa, rows, columns) void name(const FloatDotArgs& args);
#define OCTAVO_BF16_DOT(name, isa, rows, columns) void name(const FloatDotArgs& args);
#include "native/kernels/f32dot/kernels.inc"
#define OCTAVO_FLOAT_DEPTHWISE(name, isa) void name(const FloatDepthwiseArgs& args);
#include "native/kernels/f32depthwise/kernels.inc"
#undef OCTAVO_FLOAT_DEPTHWISE

namespace test {
namespace {

Guarded input("x", 1 << 18), pointers("a's pointers", 1 << 12);
Guarded weights("weights", 1 << 20), biases("bias", 1 << 16);
Output output("y", 1 << 16);

// A sum as a kernel may have rounded it: after every product and every addition.
struct Sum {
  double value = 0, magnitude = 0;
  long terms = 0;
  void add(double x) {
    value += x;
    magnitude += std::fabs(x);
    ++terms;
  }
  void expectAt(size_t at, double lower, double upper) const {
    const double clamped = std::isnan(value) ? value : std::fmin(std::fmax(value, lower), upper);
    const double error = static_cast<double>(terms + 1) * 0x1p-23 * magnitude;
    output.expectFloat(at, clamped, std::isfinite(error) ? error : 0);
  }
};

float draw(bool special, Random& random) {
  const float value = random.real(-2, 2);
  if (!special || random.between(0, 40) > 0) return value;
  return random.coin() ? NAN : std::copysign(INFINITY, value);
}

const float* fill(Guarded& memory, Edge edge, size_t count, size_t slack, bool special,
                  Random& random, size_t alignment = 4) {
  auto* x = memory.place<float>(edge, count, slack, alignment);
  for (size_t i = 0; i < count; ++i) x[i] = draw(special, random);
  return x;
}

// Makes each value a pair of bfloat16: itself, cut to the upper half of its bits, and another one.
void makePairs(const float* values, size_t count, bool special, Random& random) {
  for (size_t i = 0; i < count; ++i) {
    const float halves[] = {draw(special, random), values[i]};
    uint16_t pair[4];
    std::memcpy(pair, halves, sizeof pair);
    const uint16_t upper[] = {pair[1], pair[3]};
    std::memcpy(const_cast<float*>(values + i), upper, sizeof upper);
  }
}

// Adds the products of two floats, or of two pairs.
void addProducts(FloatDotElement element, const float* a, const float* w, Sum* sum) {
  if (element == FloatDotElement::kFloat32) {
    sum->add(static_cast<double>(*a) * static_cast<double>(*w));
    return;
  }
  uint16_t halves[2][2];
  std::memcpy(halves[0], a, sizeof halves[0]);
  std::memcpy(halves[1], w, sizeof halves[1]);
  for (int i = 0; i < 2; ++i) {
    const uint32_t bits[] = {static_cast<uint32_t>(halves[0][i]) << 16,
                             static_cast<uint32_t>(halves[1][i]) << 16};
    float values[2];
    std::memcpy(values, bits, sizeof values);
    sum->add(static_cast<double>(values[0]) * static_cast<double>(values[1]));
  }
}

void dotCase(const FloatDotKernel& kernel, size_t rows, size_t columns, size_t depth, int turn,
             Random& random) {
  const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
  const bool special = turn % 8 == 5, hasBias = turn % 5 != 0;
  FloatDotArgs args{};
  args.runTaps = turn % 3 == 0 ? 1 : static_cast<size_t>(random.between(1, 3));
  const size_t runs = turn % 3 == 0 ? 1 : static_cast<size_t>(random.between(0, 3));
  const size_t taps = args.taps = runs * args.runTaps;
  note("%ld × %ld, %ld taps of %ld, turn %ld",
       {static_cast<long>(rows), static_cast<long>(columns), static_cast<long>(taps),
        static_cast<long>(depth), turn});
  const auto width = static_cast<size_t>(kernel.columns);
  args.tapStride = static_cast<size_t>(random.between(0, 50));
  args.runStride = static_cast<size_t>(random.between(0, 90));
  // From the first element of a row to behind its last one.
  const size_t reach =
      runs == 0 ? depth : (runs - 1) * args.runStride + (args.runTaps - 1) * args.tapStride + depth;
  const size_t room = reach + static_cast<size_t>(random.between(0, 50));
  const float* a = fill(input, edge, room, 0, special, random);
  const bool pairs = kernel.element == FloatDotElement::kBfloat16Pair;
  if (pairs) makePairs(a, room, special, random);
  args.offset = static_cast<size_t>(random.between(0, 30));
  std::vector<const float*> at(rows, nullptr);
  for (size_t i = 0; i < at.size(); ++i) {
    at[i] = a + random.between(0, static_cast<int32_t>(room - reach)) - args.offset;
  }
  at.back() = a + room - reach - args.offset;
  args.a = pointers.copy(edge, at);
  args.rows = rows;
  args.depth = depth;
  // Nothing is read behind the last run.
  const size_t skip = static_cast<size_t>(random.between(0, 2)), runCount = args.runTaps * depth;
  const size_t weightCount = runs == 0 ? 0 : (runs * (runCount + skip) - skip) * width;
  args.weightSkip = skip * width;
  args.weights = fill(weights, edge, weightCount, 0, false, random, 64);
  if (pairs) makePairs(args.weights, weightCount, false, random);
  // A hint alone: what lies there need not be readable.
  if (random.coin()) args.next = args.weights + weightCount;
  args.nextLines = static_cast<size_t>(random.between(0, 90));
  args.bias = hasBias ? fill(biases, edge, width, 0, false, random) : nullptr;
  args.columns = columns;
  args.yStride = columns + static_cast<size_t>(random.between(0, 1)) * 3;
  args.lower = random.coin() ? -INFINITY : random.real(-3, 0);
  args.upper = random.coin() ? INFINITY : random.real(0, 3);
  args.y = static_cast<float*>(output.place(edge, 4 * ((rows - 1) * args.yStride + columns), 4));
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      const size_t to = 4 * (row * args.yStride + column);
      const float start = hasBias ? args.bias[column] : draw(special, random);
      if (!hasBias) output.set(to, start);
      Sum sum;
      sum.add(static_cast<double>(start));
      for (size_t i = 0; i < taps * depth; ++i) {
        const size_t tap = i / depth, run = tap / args.runTaps;
        const float* x = at[row] + args.offset + run * args.runStride +
                         tap % args.runTaps * args.tapStride + i % depth;
        addProducts(kernel.element, x, args.weights + (i + run * skip) * width + column, &sum);
      }
      sum.expectAt(to, static_cast<double>(args.lower), static_cast<double>(args.upper));
    }
  }
  kernel.run(args);
  output.check();
}

void dotCases(const FloatDotKernel& kernel) {
  Random random(13);
  int turn = 0;
  for (size_t depth : {1, 2, 3, 4, 5, 8, 17, 64}) {
    for (size_t rows = 1; rows <= 2 * static_cast<size_t>(kernel.rows); ++rows) {
      const auto most = static_cast<size_t>(kernel.columns);
      for (size_t columns = 1; columns <= most; columns += everything ? 1 : 1 + random.bits() % 3) {
        dotCase(kernel, rows, columns, depth, turn++, random);
      }
    }
  }
}

void depthwiseCase(const FloatDepthwiseKernel& kernel, size_t channels, size_t pixels, int turn,
                   Random& random) {
  const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
  const size_t sizes[] = {3, 5, 3, 2, static_cast<size_t>(random.between(1, 7))};
  const bool special = turn % 8 == 5;
  FloatDepthwiseArgs args{};
  // Every other time lines and pixels as far apart as rows and cells, once or twice.
  const bool even = random.coin();
  const auto stride = static_cast<size_t>(random.between(1, 2));
  args.rows = even && random.coin() ? 3 : static_cast<size_t>(random.between(1, 5));
  args.cells = sizes[turn % 5];
  args.cellStride = channels * static_cast<size_t>(random.between(1, 2));
  args.pixelStride =
      even ? stride * args.cellStride : channels * static_cast<size_t>(random.between(1, 4));
  args.rowStride = args.cells * args.cellStride + static_cast<size_t>(random.between(0, 9));
  args.lines = static_cast<size_t>(random.between(1, kDepthwiseLines));
  args.lineStride = even ? stride * args.rowStride : static_cast<size_t>(random.between(0, 99));
  args.pixels = pixels;
  args.channels = channels;
  note("%ld channels, %ld × %ld pixels, window %ld × %ld, turn %ld",
       {static_cast<long>(channels), static_cast<long>(args.lines), static_cast<long>(pixels),
        static_cast<long>(args.rows), static_cast<long>(args.cells), turn});
  const size_t last = (args.rows - 1) * args.rowStride + (args.cells - 1) * args.cellStride +
                      (args.lines - 1) * args.lineStride + (pixels - 1) * args.pixelStride;
  args.x = fill(input, edge, last + channels, kTensorSlack, special, random);
  // A block holds the bias and the whole window, of which the call takes a part.
  const size_t above = static_cast<size_t>(random.between(0, 1));
  const size_t blocks = (channels + kDepthwiseBlock - 1) / kDepthwiseBlock;
  args.weightRow = args.cells + static_cast<size_t>(random.between(0, 2));
  args.blockStride = kDepthwiseBlock * (1 + args.weightRow * (args.rows + above));
  args.bias = fill(weights, edge, blocks * args.blockStride, 0, false, random, 64);
  args.weights = args.bias + kDepthwiseBlock * (1 + args.weightRow * above);
  args.yStride = channels + static_cast<size_t>(random.between(0, 1)) * 3;
  args.yLine = pixels * args.yStride + static_cast<size_t>(random.between(0, 9));
  args.lower = random.coin() ? -INFINITY : random.real(-3, 0);
  args.upper = random.coin() ? INFINITY : random.real(0, 3);
  const size_t lastResult = (args.lines - 1) * args.yLine + (pixels - 1) * args.yStride;
  args.y = static_cast<float*>(output.place(edge, 4 * (lastResult + channels), 4));
  for (size_t at = 0; at < args.lines * pixels; ++at) {
    const size_t line = at / pixels, p = at % pixels;
    for (size_t c = 0; c < channels; ++c) {
      const size_t lane = c / kDepthwiseBlock * args.blockStride + c % kDepthwiseBlock;
      Sum sum;
      sum.add(static_cast<double>(args.bias[lane]));
      for (size_t i = 0; i < args.rows * args.cells; ++i) {
        const size_t row = i / args.cells, cell = i % args.cells;
        const float x = args.x[row * args.rowStride + cell * args.cellStride +
                               line * args.lineStride + p * args.pixelStride + c];
        const float w = args.weights[lane + (row * args.weightRow + cell) * kDepthwiseBlock];
        sum.add(static_cast<double>(x) * static_cast<double>(w));
      }
      sum.expectAt(4 * (line * args.yLine + p * args.yStride + c), static_cast<double>(args.lower),
                   static_cast<double>(args.upper));
    }
  }
  kernel.run(args);
  output.check();
}

void depthwiseCases(const FloatDepthwiseKernel& kernel) {
  Random random(14);
  int turn = 0;
  for (size_t channels = 1; channels <= 50; ++channels) {
    for (size_t pixels = 1; pixels <= 9; ++pixels) {
      for (int i = 0; i < (everything ? 20 : 4); ++i) {
        depthwiseCase(kernel, channels, pixels, turn++, random);
      }
    }
  }
  // Lines too long for the nearer caches.
  for (size_t pixels = 185; pixels <= 195; ++pixels) {
    for (int i = 0; i < (everything ? 20 : 4); ++i) {
      depthwiseCase(kernel, 40, pixels, turn++, random);
    }
  }
}

}  // namespace

void testFloatDot() {
#define OCTAVO_FLOAT_DOT(name, isa, rows, columns) \
  testKernel<FloatDotKernel, dotCases>(            \
      {#name, Isa::isa, FloatDotElement::kFloat32, rows, columns, name});
#define OCTAVO_BF16_DOT(name, isa, rows, columns)                                    \
  testKernel<FloatDotKernel, dotCases>(                                              \
      {#name, Isa::isa, FloatDotElement::kBfloat16Pair, rows, columns, name}, false, \
      isBfloat16Supported() ? nullptr : "avx512bf16");
#include "native/kernels/f32dot/kernels.inc"
}

void testFloatDepthwise() {
#define OCTAVO_FLOAT_DEPTHWISE(name, isa) \
  testKernel<FloatDepthwiseKernel, depthwiseCases>({#name, Isa::isa, name});
#include "native/kernels/f32depthwise/kernels.inc"
#undef OCTAVO_FLOAT_DEPTHWISE
}

}  // namespace test
}  // namespace octavo
