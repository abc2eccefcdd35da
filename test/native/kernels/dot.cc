// dot: all row counts up to two tiles, all column counts of a panel, depths up to four groups and
// some behind them, with and without zero points of the weights, every kind of output, codes with
// and without a residual.
#include "native/kernels/dot/dot.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "test/native/kernels/dotpanels.h"
#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_ROWSUM(name, isa) void name(const RowSumArgs& args);
#include "native/kernels/dot/kernels.inc"

namespace test {
namespace {

Guarded activations("a", 1 << 18), pointers("a's pointers", 1 << 13);
Guarded biases("bias", 1 << 12), multipliers("multiplier", 1 << 12), zeros("weightZero", 1 << 12);
Guarded rowScales("rowScale", 1 << 12), columnAddends("addend", 1 << 12);
Guarded rowSums("rowSum", 1 << 12), residuals("residual", 1 << 17);
Output output("y", 1 << 17);

// The reference: one accumulator.
uint32_t accumulate(const Column& column, const std::vector<const uint8_t*>& a, size_t row,
                    const Case& c) {
  auto acc = static_cast<uint32_t>(column.bias);
  for (size_t tap = 0; tap < c.taps; ++tap) {
    for (size_t k = 0; k < c.depth; ++k) {
      const int32_t w = column.weights[tap * c.depth + k] - column.zero;
      acc += static_cast<uint32_t>(a[tap * c.rows + row][k] * w);
    }
  }
  return acc;
}

uint8_t* drawActivations(size_t bytes, Fill fill, Edge edge, size_t slack, Random& random) {
  uint8_t* a = activations.place<uint8_t>(edge, bytes, slack);
  for (size_t i = 0; i < bytes; ++i) {
    a[i] = fill <= kSmall ? static_cast<uint8_t>(random.bits()) : fill < kHighLow ? 0 : 255;
  }
  return a;
}

// Rows of `depth` bytes wherever they happen to lie, the last one at the very end.
std::vector<const uint8_t*> drawRows(size_t count, size_t depth, Fill fill, Edge edge, size_t slack,
                                     Random& random) {
  const size_t bytes = depth + static_cast<size_t>(random.between(0, 300));
  const uint8_t* a = drawActivations(bytes, fill, edge, slack, random);
  std::vector<const uint8_t*> rows(count);
  for (const uint8_t*& row : rows) {
    row = a + random.between(0, static_cast<int32_t>(bytes - depth));
  }
  rows[static_cast<size_t>(random.between(0, static_cast<int32_t>(count) - 1))] = a + bytes - depth;
  return rows;
}

// The same rows in a grid.
std::vector<const uint8_t*> drawGrid(const Case& c, RowGrid* grid, Random& random) {
  const auto upTo = [&](size_t most) {
    return static_cast<size_t>(random.between(0, static_cast<int32_t>(most)));
  };
  grid->lineRows = 1 + upTo(c.rows - 1);
  grid->runTaps = 1 + upTo(c.taps - 1);
  for (size_t* stride : {&grid->rowStride, &grid->lineStride, &grid->tapStride, &grid->runStride}) {
    *stride = upTo(2 * c.depth);
  }
  const auto at = [&](size_t tap, size_t row) {
    return row / grid->lineRows * grid->lineStride + row % grid->lineRows * grid->rowStride +
           tap / grid->runTaps * grid->runStride + tap % grid->runTaps * grid->tapStride;
  };
  size_t last = 0;
  for (size_t i = 0; i < c.taps * c.rows; ++i) last = std::max(last, at(i / c.rows, i % c.rows));
  grid->first = drawActivations(last + c.depth, c.fill, c.edge, kTensorSlack, random);
  std::vector<const uint8_t*> rows(c.taps * c.rows);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = grid->first + at(i / c.rows, i % c.rows);
  return rows;
}

const uint8_t* drawResidual(size_t bytes, Edge edge, DotSum* sum, Random& random) {
  *sum = {random.between(0, 255),
          random.real(0.1f, 4),
          random.real(-4, 4),
          random.between(0, 255),
          random.coin() ? 0 : random.between(0, 128),
          random.coin() ? 255 : random.between(128, 255)};
  uint8_t* residual = residuals.place<uint8_t>(edge, bytes, kTensorSlack);
  for (size_t i = 0; i < bytes; ++i) residual[i] = static_cast<uint8_t>(random.bits());
  return residual;
}

// `code`: less its zero point.
int32_t summed(int32_t code, uint8_t residual, const DotSum& sum) {
  const float own = static_cast<float>(code) * sum.codeMultiplier;
  const float other = static_cast<float>(residual - sum.residualZero) * sum.residualMultiplier;
  return requantized(own + other, sum.zero, sum.min, sum.max);
}

void runCase(const DotKernel& kernel, const Case& c, Random& random) {
  note("%ld × %ld, %ld taps of %ld, fill %ld, zero points %ld, output %ld, edge %ld",
       {static_cast<long>(c.rows), static_cast<long>(c.columns), static_cast<long>(c.taps),
        static_cast<long>(c.depth), c.fill, c.zeroPoints, static_cast<long>(c.output),
        static_cast<long>(c.edge)});
  const auto columns = drawColumns(c, takesMinus128(kernel.form) ? -128 : -127, random);
  RowGrid grid{};
  grid.lineRows = c.rows;
  grid.runTaps = c.taps;
  auto rows = c.inGrid ? drawGrid(c, &grid, random)
                       : drawRows(c.taps * c.rows, c.depth, c.fill, c.edge, kTensorSlack, random);
  std::vector<int32_t> sums(c.rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t k = 0; k < c.depth; ++k) sums[i % c.rows] += rows[i][k];
  }

  DotArgs args{};
  args.offset = static_cast<size_t>(random.between(0, 64));
  args.rows = c.rows;
  args.taps = c.taps;
  args.quads = (c.depth + 3) / 4;
  const size_t group = static_cast<size_t>(kernel.group), groups = (c.depth + group - 1) / group;
  const Runs runs{grid.runTaps, c.inGrid ? static_cast<size_t>(random.between(0, 2)) : 0};
  grid.weightSkip = runs.skipped * groups * group * static_cast<size_t>(kernel.columns);
  args.grid = c.inGrid ? &grid : nullptr;
  grid.tapSkip = runs.skipped;
  if (kernel.form == DotForm::kSmall) {
    placeQuads(kernel, c, runs, columns, &args, random);
  } else {
    args.weights = packPanel(kernel, c, runs, columns);
  }
  args.panels = c.panels;
  args.panelPositions = positionsOf(kernel);
  args.ahead = random.coin() ? args.weights : nullptr;
  args.aheadBytes = args.ahead == nullptr ? 0 : static_cast<size_t>(random.between(0, 4096));
  args.fractions = random.coin();  // as they all are
  args.bias = inPanelOrder<int32_t>(biases, kernel, c, [&](size_t column) {
    const std::vector<int8_t>& all = columns[column].weights;
    return columns[column].bias +
           (isShifted(kernel.form) ? 128 * std::accumulate(all.begin(), all.end(), 0) : 0);
  });
  args.multiplier = inPanelOrder<float>(multipliers, kernel, c,
                                        [&](size_t column) { return columns[column].multiplier; });
  if (c.zeroPoints) {
    args.rowSum = rowSums.copy(c.edge, sums);
    args.weightZero = inPanelOrder<int32_t>(zeros, kernel, c,
                                            [&](size_t column) { return columns[column].zero; });
  }
  args.output = c.output;
  args.zero = random.between(0, 255);
  args.min = random.coin() ? 0 : random.between(0, 128);
  args.max = random.coin() ? 255 : random.between(128, 255);
  if (random.coin()) {
    std::vector<float> scales(c.rows);
    for (float& scale : scales) scale = random.real(0.001f, 4);
    args.rowScale = rowScales.copy(c.edge, scales);
  }
  std::vector<float> addends(columns.size());
  for (float& addend : addends) addend = random.real(-50, 50);
  if (random.coin()) {
    args.addend = inPanelOrder<float>(columnAddends, kernel, c,
                                      [&](size_t column) { return addends[column]; });
  }
  args.lower = random.coin() ? -INFINITY : random.real(-100, 0);
  args.upper = random.coin() ? INFINITY : random.real(0, 100);

  const size_t size = c.output == DotOutput::kUint8 ? 1 : 4;
  args.columns = c.columns;
  args.yStride = size * (columns.size() + static_cast<size_t>(random.between(0, 3) % 2 * 5));
  grid.yLineStride =
      grid.lineRows * args.yStride + size * static_cast<size_t>(random.between(0, 1)) * 9;
  const auto yAt = [&](size_t row) {
    return row / grid.lineRows * grid.yLineStride + row % grid.lineRows * args.yStride;
  };
  const size_t bytes = yAt(c.rows - 1) + columns.size() * size;
  args.y = output.place(c.edge, bytes, size);
  DotSum sum{};
  const uint8_t* residual = nullptr;
  if (c.output == DotOutput::kUint8 && random.coin()) {
    residual = drawResidual(bytes, c.edge, &sum, random);
    args.sum = &sum;
    args.residual = reinterpret_cast<intptr_t>(residual) - reinterpret_cast<intptr_t>(args.y);
  }
  for (size_t row = 0; row < c.rows; ++row) {
    for (size_t column = 0; column < columns.size(); ++column) {
      const auto acc = static_cast<int32_t>(accumulate(columns[column], rows, row, c));
      const float value = static_cast<float>(acc) * columns[column].multiplier;
      const size_t at = yAt(row) + column * size;
      if (c.output == DotOutput::kUint8) {
        int32_t code = requantized(value, args.zero, args.min, args.max);
        if (residual != nullptr) code = summed(code - args.zero, residual[at], sum);
        output.expect(at, static_cast<uint8_t>(code));
      } else if (c.output == DotOutput::kInt32) {
        output.expect(at, acc);
      } else {
        const float scaled = args.rowScale == nullptr ? value : value * args.rowScale[row];
        const float sum = args.addend == nullptr ? scaled : scaled + addends[column];
        output.expect(at, std::fmin(std::fmax(sum, args.lower), args.upper));
      }
    }
  }
  for (const uint8_t*& row : rows) row -= args.offset;
  args.a = c.inGrid ? nullptr : pointers.copy(c.edge, rows);
  kernel.run(args);
  output.check();
}

void dotCases(const DotKernel& kernel) {
  std::vector<size_t> depths;
  for (size_t depth = 1; depth <= 17; ++depth) depths.push_back(depth);
  for (size_t depth : {31, 64, 67, 130}) depths.push_back(depth);
  Random random(1);
  size_t turn = 0;
  for (size_t depth : depths) {
    for (size_t rows = 1; rows <= 2 * static_cast<size_t>(kernel.rows); ++rows) {
      for (size_t columns = 1; columns <= static_cast<size_t>(kernel.columns); ++columns) {
        for (int fill = 0; fill < kFills; ++fill) {
          const bool mine = turn++ % (2 * kFills + 1) == 0;
          if (!everything && !mine) continue;
          const size_t taps = random.coin() ? 1u : static_cast<size_t>(random.between(2, 9));
          runCase(
              kernel,
              {rows, columns, taps, depth, static_cast<Fill>(fill), random.coin(),
               static_cast<DotOutput>(random.between(0, 2)),
               random.coin() ? Edge::kFront : Edge::kBack, takesGrids(kernel) && random.coin(), 1},
              random);
        }
      }
    }
  }
  // Whole panels: of little depth, for which kernels may keep all weights at hand, and to floats.
  for (size_t depth = 1; depth <= 40; ++depth) {
    for (size_t rows = 1; rows <= static_cast<size_t>(kernel.rows) + 2; ++rows) {
      for (const DotOutput output : {DotOutput::kUint8, DotOutput::kFloat32}) {
        runCase(kernel,
                {rows, static_cast<size_t>(kernel.columns), 1, depth,
                 static_cast<Fill>(random.between(0, kFills - 1)), false, output,
                 random.coin() ? Edge::kFront : Edge::kBack, takesGrids(kernel),
                 kernel.form == DotForm::kSmall ? 1 + depth % 3 : 1},
                random);
      }
    }
  }
}

void rowSumCases(const RowSumKernel& kernel) {
  Random random(2);
  for (size_t depth = 1; depth <= 200; depth += depth < 70 ? 1 : 13) {
    for (size_t rows = 1; rows <= 9; ++rows) {
      const auto taps = static_cast<size_t>(random.between(1, 4));
      const Edge edge = random.coin() ? Edge::kFront : Edge::kBack;
      const Fill fill = random.between(0, 3) == 0 ? kHighHigh : kRandom;
      note("%ld rows, %ld taps of %ld, fill %ld, edge %ld",
           {static_cast<long>(rows), static_cast<long>(taps), static_cast<long>(depth), fill,
            static_cast<long>(edge)});
      auto a = drawRows(taps * rows, depth, fill, edge, 63, random);
      auto* sums = static_cast<int32_t*>(output.place(edge, rows * sizeof(int32_t), 4));
      for (size_t row = 0; row < rows; ++row) {
        int32_t sum = 0;
        for (size_t tap = 0; tap < taps; ++tap) {
          for (size_t k = 0; k < depth; ++k) sum += a[tap * rows + row][k];
        }
        output.expect(row * sizeof sum, sum);
      }
      for (const uint8_t*& row : a) row -= 5;
      kernel.run({pointers.copy(edge, a), 5, rows, taps, depth, sums});
      output.check();
    }
  }
}

}  // namespace

void testDot() {
  size_t count;
  const DotKernel* kernels = dotKernels(&count);
  for (size_t i = 0; i < count; ++i) testKernel<DotKernel, dotCases>(kernels[i], kernels[i].evex);
#define OCTAVO_ROWSUM(name, isa) testKernel<RowSumKernel, rowSumCases>({#name, Isa::isa, name});
#include "native/kernels/dot/kernels.inc"
}

}  // namespace test
}  // namespace octavo
