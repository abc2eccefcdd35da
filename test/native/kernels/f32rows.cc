// f32rows: all lengths up to a few vectors, NaN and infinities among them.
#include "native/kernels/f32rows/f32rows.h"

#include <cmath>

#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_ROWS(name, isa)                 \
  void softmax_##name(const SoftmaxArgs&);     \
  void layerNorm_##name(const LayerNormArgs&); \
  void lrn_##name(const LrnArgs&);             \
  void foldRow_##name(const FoldArgs&);        \
  void foldColumns_##name(const FoldArgs&);
#include "native/kernels/f32rows/kernels.inc"
#undef OCTAVO_ROWS

namespace test {
namespace {

template <typename Args>
struct RowKernel {
  const char* name;
  Isa isa;
  void (*run)(const Args& args);
};

Guarded input("x", 1 << 16), squares("squares", 1 << 14);
Guarded scales("scale", 1 << 14), biases("bias", 1 << 14), addends("residual", 1 << 16);
Output output("y", 1 << 16);

const float* fill(Edge edge, size_t count, float most, bool special, Random& random) {
  auto* x = input.place<float>(edge, count);
  for (size_t i = 0; i < count; ++i) {
    x[i] = special && random.between(0, 20) == 0 ? random.anyFloat() : random.real(-most, most);
  }
  return x;
}

std::vector<float> drawFloats(size_t count, float most, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = random.real(-most, most);
  return values;
}

void softmaxCases(const RowKernel<SoftmaxArgs>& kernel) {
  Random random(17);
  for (size_t turn = 1; turn <= 160; ++turn) {
    for (const Edge edge : {Edge::kFront, Edge::kBack}) {
      const size_t length = turn <= 150 ? turn : 10 * turn;
      const auto rows = static_cast<size_t>(random.between(1, 3));
      note("%ld rows of %ld, edge %ld",
           {static_cast<long>(rows), static_cast<long>(length), static_cast<long>(edge)});
      const float* x = fill(edge, rows * length, turn % 2 == 0 ? 5 : 100, turn % 7 == 0, random);
      auto* y = static_cast<float*>(output.place(edge, 4 * rows * length, 4));
      for (size_t row = 0; row < rows; ++row) {
        double max = static_cast<double>(x[row * length]), sum = 0;
        for (size_t i = 0; i < length; ++i) {
          const auto value = static_cast<double>(x[row * length + i]);
          max = value > max || std::isnan(value) ? value : max;
        }
        for (size_t i = 0; i < length; ++i)
          sum += std::exp(static_cast<double>(x[row * length + i]) - max);
        for (size_t i = 0; i < length; ++i) {
          const double power = std::exp(static_cast<double>(x[row * length + i]) - max);
          // The difference to the maximum is rounded before its exponential is taken.
          const double far = std::fmin(max - static_cast<double>(x[row * length + i]), 104);
          output.expectFloat(4 * (row * length + i), power / sum,
                             power / sum * 0x1p-23 * (6 + far) + 0x1p-146);
        }
      }
      kernel.run({x, y, rows, length});
      output.check();
    }
  }
}

void layerNormCases(const RowKernel<LayerNormArgs>& kernel) {
  Random random(23);
  for (size_t turn = 1; turn <= 160; ++turn) {
    for (const Edge edge : {Edge::kFront, Edge::kBack}) {
      LayerNormArgs args{};
      args.length = turn <= 150 ? turn : 10 * turn;
      args.rows = static_cast<size_t>(random.between(1, 3));
      args.epsilon = turn % 3 == 0 ? 1e-5f : 0.5f;
      note("%ld rows of %ld, edge %ld",
           {static_cast<long>(args.rows), static_cast<long>(args.length), static_cast<long>(edge)});
      args.x = fill(edge, args.rows * args.length, 5, false, random);
      args.scale = scales.copy(edge, drawFloats(args.length, 2, random));
      args.bias = turn % 2 == 0 ? nullptr : biases.copy(edge, drawFloats(args.length, 2, random));
      std::vector<float> sums(args.x, args.x + args.rows * args.length);
      if (turn % 4 >= 2) {
        const auto others = drawFloats(args.rows * args.length, 5, random);
        args.residual = addends.copy(edge, others);
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += others[i];
      }
      args.y = static_cast<float*>(output.place(edge, 4 * args.rows * args.length, 4));
      const auto length = static_cast<double>(args.length);
      for (size_t row = 0; row < args.rows; ++row) {
        const float* x = sums.data() + row * args.length;
        double mean = 0, variance = 0;
        for (size_t i = 0; i < args.length; ++i) mean += static_cast<double>(x[i]) / length;
        for (size_t i = 0; i < args.length; ++i) {
          const double off = static_cast<double>(x[i]) - mean;
          variance += off * off / length;
        }
        const double deviation = std::sqrt(variance + static_cast<double>(args.epsilon));
        for (size_t i = 0; i < args.length; ++i) {
          const auto scale = static_cast<double>(args.scale[i]);
          const double bias = args.bias == nullptr ? 0 : static_cast<double>(args.bias[i]);
          const double y = (static_cast<double>(x[i]) - mean) / deviation * scale + bias;
          // What the mean and the differences to it lose, seen from the deviation.
          const double tolerance = 0x1p-21 * (5 / deviation * std::fabs(scale) + std::fabs(bias));
          output.expectFloat(4 * (row * args.length + i), y, tolerance);
        }
      }
      kernel.run(args);
      output.check();
    }
  }
}

void lrnCases(const RowKernel<LrnArgs>& kernel) {
  Random random(18);
  for (size_t channels = 1; channels <= 80; ++channels) {
    for (const Edge edge : {Edge::kFront, Edge::kBack}) {
      LrnArgs args{};
      args.rows = static_cast<size_t>(random.between(1, 3));
      args.channels = channels;
      args.before = static_cast<size_t>(random.between(0, 6));
      args.after = static_cast<size_t>(random.between(0, 6));
      args.weight = random.real(0.0001f, 0.1f);
      args.bias = random.real(0.5f, 2);
      args.beta = channels % 5 == 0 ? 0.5f : 0.75f;
      note(
          "%ld rows of %ld channels, %ld before, %ld after, edge %ld",
          {static_cast<long>(args.rows), static_cast<long>(channels),
           static_cast<long>(args.before), static_cast<long>(args.after), static_cast<long>(edge)});
      args.x = fill(edge, args.rows * channels, 5, channels % 7 == 0, random);
      args.y = static_cast<float*>(output.place(edge, 4 * args.rows * channels, 4));
      args.squares = squares.place<float>(edge, lrnSquares(args));
      for (size_t i = 0; i < args.rows * channels; ++i) {
        const size_t c = i % channels, row = i - c;
        float sum = 0;
        for (size_t n = 0; n <= args.before + args.after; ++n) {
          const size_t neighbour = c + n - args.before;
          if (neighbour < channels) sum += args.x[row + neighbour] * args.x[row + neighbour];
        }
        const float s = args.bias + args.weight * sum;
        const float root = std::sqrt(s), exact = args.x[i] / (root * std::sqrt(root));
        const double y = static_cast<double>(args.x[i]) / std::pow(static_cast<double>(s), 0.5);
        const bool isUsual = args.beta == 0.75f;
        output.expectFloat(4 * i, isUsual ? static_cast<double>(exact) : y,
                           isUsual || !std::isfinite(y) ? 0 : std::fabs(y) * 0x1p-22);
      }
      kernel.run(args);
      output.check();
    }
  }
}

void foldCases(const RowKernel<FoldArgs>& kernel, bool toOne) {
  Random random(19);
  for (size_t count = 1; count <= 150; ++count) {
    for (int turn = 0; turn < 6; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const auto kind = static_cast<FoldKind>(turn % 3);
      note("%ld values, kind %ld, turn %ld", {static_cast<long>(count), turn % 3, turn});
      const float* x = fill(edge, count, 100, count % 7 == 0, random);
      const size_t results = toOne ? 1 : count;
      auto* values = static_cast<double*>(output.place(edge, 8 * results, 8));
      std::vector<double> folded(results);
      for (double& value : folded) value = static_cast<double>(random.real(-50, 50));
      for (size_t i = 0; i < results; ++i) output.set(8 * i, folded[i]);
      double magnitude = std::fabs(folded[0]);
      for (size_t i = 0; i < count; ++i) {
        double& value = folded[toOne ? 0 : i];
        const auto next = static_cast<double>(x[i]);
        magnitude += std::fabs(next);
        const bool takes = kind == FoldKind::kMax ? next > value : next < value;
        value = kind == FoldKind::kSum ? value + next : takes || std::isnan(next) ? next : value;
      }
      // Only a sum of many depends on the order, and far below what float32 shows.
      const bool exact = !toOne || kind != FoldKind::kSum;
      for (size_t i = 0; i < results; ++i) {
        output.expectDouble(8 * i, folded[i], exact ? 0 : magnitude * 0x1p-45);
      }
      kernel.run({kind, x, count, values});
      output.check();
    }
  }
}

void foldRowCases(const RowKernel<FoldArgs>& kernel) { foldCases(kernel, true); }
void foldColumnsCases(const RowKernel<FoldArgs>& kernel) { foldCases(kernel, false); }

}  // namespace

void testFloatRows() {
#define OCTAVO_ROWS(name, isa)                                                                    \
  testKernel<RowKernel<SoftmaxArgs>, softmaxCases>({"softmax_" #name, Isa::isa, softmax_##name}); \
  testKernel<RowKernel<LayerNormArgs>, layerNormCases>(                                           \
      {"layerNorm_" #name, Isa::isa, layerNorm_##name});                                          \
  testKernel<RowKernel<LrnArgs>, lrnCases>({"lrn_" #name, Isa::isa, lrn_##name});                 \
  testKernel<RowKernel<FoldArgs>, foldRowCases>({"foldRow_" #name, Isa::isa, foldRow_##name});    \
  testKernel<RowKernel<FoldArgs>, foldColumnsCases>(                                              \
      {"foldColumns_" #name, Isa::isa, foldColumns_##name});
#include "native/kernels/f32rows/kernels.inc"
#undef OCTAVO_ROWS
}

}  // namespace test
}  // namespace octavo
