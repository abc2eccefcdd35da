// Cases of the dot kernels, and their weights as each kernel reads them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "native/kernels/dot/dot.h"
#include "test/native/kernels/harness.h"
#include "test/native/kernels/quads.h"

namespace octavo::test {
namespace {

// The activations and the weights of a case.
enum Fill {
  kRandom,
  kZeros,
  kSmall,  // pairs that just fit words, see kMostOfPair, or are much smaller
  kLowLow,
  kLowHigh,
  kHighLow,
  kHighHigh,
  kHighSmall,
  kFills
};

struct Case {
  size_t rows, columns, taps, depth;
  Fill fill;
  bool zeroPoints;
  DotOutput output;
  Edge edge;
  bool inGrid;
  size_t panels;  // of so many columns each
};

// Taps of a grid, one run after the other, and how many taps of the panel lie between two runs.
struct Runs {
  size_t taps, skipped;
};

Guarded weights("weights", 1 << 20), orders("order", 1 << 17), spans("spans", 1 << 12);

// One column's weights, [tap][k], and what a kernel takes for each.
struct Column {
  std::vector<int8_t> weights;
  int32_t bias, zero;
  float multiplier;
};

// The weight behind `before` in a small pair.
int32_t drawSmall(int32_t before, Random& random) {
  const int32_t most = std::min(kMostOfPair - std::abs(before), 127);
  return random.coin() ? random.between(-most, most) : before < 0 ? -most : most;
}

std::vector<Column> drawColumns(const Case& c, int32_t lowest, Random& random) {
  std::vector<Column> columns(c.panels * c.columns);
  for (Column& column : columns) {
    column.weights.resize(c.taps * c.depth);
    const int32_t high = c.fill == kLowHigh || c.fill == kHighHigh ? 127 : lowest;
    for (size_t i = 0; i < column.weights.size(); ++i) {
      const size_t k = i % c.depth;
      const bool small = (c.fill == kSmall || c.fill == kHighSmall) && k % 2 == 1;
      const bool drawn = c.fill == kRandom || c.fill == kSmall || c.fill == kHighSmall;
      column.weights[i] = static_cast<int8_t>(small   ? drawSmall(column.weights[i - 1], random)
                                              : drawn ? random.between(lowest, 127)
                                              : c.fill == kZeros ? 0
                                                                 : high);
    }
    column.bias = random.between(-50000, 50000);
    column.zero = c.zeroPoints ? random.between(-128, 127) : 0;
    column.multiplier = random.real(0.0001f, 0.02f) / static_cast<float>(std::sqrt(c.depth));
  }
  return columns;
}

// [tap][k / group][position][group]. Taps between runs hold rubbish.
const int8_t* packPanel(const DotKernel& kernel, const Case& c, const Runs& runs,
                        const std::vector<Column>& columns) {
  const auto group = static_cast<size_t>(kernel.group);
  const auto width = static_cast<size_t>(kernel.columns);
  const size_t groups = (c.depth + group - 1) / group;
  const auto tapAt = [&](size_t tap) { return tap + tap / runs.taps * runs.skipped; };
  std::vector<int8_t> panel((tapAt(c.taps - 1) + 1) * groups * width * group, 99);
  for (size_t i = 0; i < c.taps * groups * width * group; ++i) {
    const size_t tap = i / (groups * width * group), part = i % (groups * width * group);
    const size_t p = part / group % width, k = part / (width * group) * group + i % group;
    const auto column = static_cast<size_t>(panelColumn(static_cast<int>(p), kernel, c.output));
    const bool isThere = column < c.columns && k < c.depth;
    panel[tapAt(tap) * groups * width * group + part] =
        isThere ? columns[column].weights[tap * c.depth + k] : int8_t{0};
  }
  return weights.copy(c.edge, panel, kPanelSlack, 64);
}

// Sets weights, order and spans of kSmall. Taps between runs hold rubbish.
void placeQuads(const DotKernel& kernel, const Case& c, const Runs& runs,
                const std::vector<Column>& columns, DotArgs* args, Random& random) {
  const auto width = static_cast<size_t>(kernel.columns);
  std::vector<int8_t> packed;
  std::vector<uint32_t> order;
  std::vector<QuadSpan> all;
  const auto place = [&](const std::vector<std::pair<size_t, Quad>>& quads) {
    for (const auto& [from, quad] : quads) {
      order.push_back(static_cast<uint32_t>(from + quad.at));
      for (size_t i = 0; i < 4 * width; ++i) {
        const auto p = static_cast<int>(i / 4);
        const auto column = static_cast<size_t>(panelColumn(p, kernel, c.output));
        const bool isThere = column < quad.weights.size();
        packed.push_back(isThere ? static_cast<int8_t>(quad.weights[column][i % 4]) : int8_t{0});
      }
    }
  };
  const Quad rubbish{0, std::vector<std::array<int32_t, 4>>(c.columns, {99, 99, 99, 99})};
  for (size_t panel = 0; panel < c.panels; ++panel) {
    std::vector<std::pair<size_t, Quad>> twos, ones;
    const size_t firstSpan = all.size();
    const auto begin = [&] {
      all.push_back({static_cast<uint32_t>(order.size() + twos.size()),
                     static_cast<uint32_t>(order.size() + ones.size())});
    };
    for (size_t tap = 0; tap < c.taps; ++tap) {
      begin();
      const RowGrid* grid = args->grid;
      const size_t from = grid == nullptr ? 0
                                          : tap / grid->runTaps * grid->runStride +
                                                tap % grid->runTaps * grid->tapStride;
      std::vector<const int8_t*> ofTap;
      for (size_t i = 0; i < c.columns; ++i) {
        ofTap.push_back(&columns[panel * c.columns + i].weights[tap * c.depth]);
      }
      const auto quads = drawQuads(ofTap, c.depth, random);
      for (size_t i = 0; i < quads.size(); ++i) {
        if (i + 1 < quads.size() && random.coin() && areSmall(quads[i], &quads[i + 1])) {
          twos.insert(twos.end(), {{from, quads[i + 1]}, {from, quads[i]}});
          ++i;
        } else {
          ones.emplace_back(from, quads[i]);
        }
      }
      if ((tap + 1) % runs.taps != 0) continue;
      for (size_t i = 0; i < runs.skipped; ++i) {
        begin();
        twos.insert(twos.end(), 2, {0, rubbish});
        ones.emplace_back(0, rubbish);
      }
    }
    begin();
    for (size_t i = firstSpan; i < all.size(); ++i) {
      all[i].one += static_cast<uint32_t>(twos.size());
    }
    args->panelSpans = all.size() - firstSpan;
    place(twos);
    place(ones);
  }
  args->weights = weights.copy(c.edge, packed, 0, 64);
  args->order = orders.copy(c.edge, order);
  args->spans = spans.copy(c.edge, all);
}

// From a panel's tables to the next one's.
size_t positionsOf(const DotKernel& kernel) { return static_cast<size_t>(kernel.columns) + 3; }

// A value of each column, in panel order; those without a column hold rubbish.
template <typename T, typename Take>
const T* inPanelOrder(Guarded& memory, const DotKernel& kernel, const Case& c, Take take) {
  const auto width = static_cast<size_t>(kernel.columns);
  T* values = memory.place<T>(c.edge, (c.panels - 1) * positionsOf(kernel) + width);
  for (size_t panel = 0; panel < c.panels; ++panel) {
    for (int p = 0; p < kernel.columns; ++p) {
      const auto column = static_cast<size_t>(panelColumn(p, kernel, c.output));
      if (column >= c.columns) continue;
      values[panel * positionsOf(kernel) + static_cast<size_t>(p)] =
          take(panel * c.columns + column);
    }
  }
  return values;
}

}  // namespace
}  // namespace octavo::test
