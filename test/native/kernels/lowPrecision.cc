// nbits: row counts on both sides of every cut, depths that end anywhere in a pair. bitdot: depths
// that end anywhere in a word. All column counts of a panel.
#include "native/cpu/isa.h"
#include "native/kernels/bitdot/bitdot.h"
#include "native/kernels/nbits/nbits.h"
#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_NBITS(name, isa, columns) void name(const NbitsArgs& args);
#define OCTAVO_BLOCKSUM(name, isa) void name(const BlockSumArgs& args);
#include "native/kernels/nbits/kernels.inc"
#define OCTAVO_BITDOT(name, isa, columns, popcount) void name(const BitDotArgs& args);
#include "native/kernels/bitdot/kernels.inc"

namespace test {
namespace {

Guarded input("x", 1 << 16), xScales("xScale", 1 << 10), sums("sums", 1 << 12);
Guarded panels("panel", 1 << 18), biases("bias", 1 << 10), multipliers("multiplier", 1 << 10);
Guarded scratch("scratch", 1 << 16);
Output output("y", 1 << 14);

const float* drawFloats(Guarded& memory, Edge edge, size_t count, float most, Random& random) {
  auto* values = memory.place<float>(edge, count);
  for (size_t i = 0; i < count; ++i) values[i] = random.real(-most, most);
  return values;
}

int8_t drawInt8(int fill, Random& random) {
  if (fill > 0) return fill == 1 ? -128 : 127;
  return static_cast<int8_t>(random.between(-128, 127));
}

struct NbitsCase {
  size_t rows, columns, blocks, pairs, lastDepth;
  int fill;
  bool zeros, hasBias;
  Edge edge;
};

// The reference: what nbits.h says of one row and column, from the bytes of the panel.
float nbitsOf(const NbitsArgs& args, size_t width, const NbitsCase& c, size_t row, size_t column) {
  const size_t head = nbitsHead(width, args.zeros);
  float sum = 0;
  for (size_t block = 0; block < args.blocks; ++block) {
    const uint8_t* record = args.panel + block * (head + 4 * width * args.pairs);
    const size_t depth = block + 1 < args.blocks ? 8 * args.pairs : c.lastDepth;
    const int32_t zero = args.zeros ? record[4 * width + column] : 8;
    int32_t acc = 0;
    for (size_t k = 0; k < depth; ++k) {
      const uint8_t byte = record[head + (k / 8 * width + column) * 4 + k % 4];
      const int32_t w = k % 8 < 4 ? byte & 15 : byte >> 4;
      acc += args.x[row * args.xStride + block * 8 * args.pairs + k] * (w - zero);
    }
    float scale;
    std::memcpy(&scale, record + 4 * column, sizeof scale);
    const float product = static_cast<float>(acc) * scale;
    sum = sum + product;
  }
  const float y = sum * args.xScale[row];
  return args.bias == nullptr ? y : y + args.bias[column];
}

const uint8_t* drawPanel(const NbitsArgs& args, size_t width, const NbitsCase& c, Random& random) {
  const size_t head = nbitsHead(width, args.zeros), record = head + 4 * width * args.pairs;
  auto* panel = panels.place<uint8_t>(c.edge, args.blocks * record, 0, 64);
  for (size_t block = 0; block < args.blocks; ++block) {
    uint8_t* at = panel + block * record;
    const size_t depth = block + 1 < args.blocks ? 8 * args.pairs : c.lastDepth;
    for (size_t column = 0; column < width; ++column) {
      const float scale = random.real(0.001f, 0.1f);
      std::memcpy(at + 4 * column, &scale, sizeof scale);
      const auto zero = static_cast<uint8_t>(args.zeros ? random.between(0, 15) : 8);
      if (args.zeros) at[4 * width + column] = zero;
      for (size_t k = 0; k < 8 * args.pairs; ++k) {
        uint8_t& byte = at[head + (k / 8 * width + column) * 4 + k % 4];
        const auto w = static_cast<uint8_t>(k >= depth    ? zero
                                            : c.fill == 0 ? random.between(0, 15)
                                                          : 15 * (c.fill - 1));
        byte = static_cast<uint8_t>(k % 8 < 4 ? w : byte | w << 4);
      }
    }
  }
  return panel;
}

void runNbits(const NbitsKernel& kernel, const NbitsCase& c, Random& random) {
  note("%ld × %ld, %ld blocks of %ld pairs, the last of %ld, zeros %ld, fill %ld, edge %ld",
       {static_cast<long>(c.rows), static_cast<long>(c.columns), static_cast<long>(c.blocks),
        static_cast<long>(c.pairs), static_cast<long>(c.lastDepth), c.zeros, c.fill,
        static_cast<long>(c.edge)});
  const auto width = static_cast<size_t>(kernel.columns);
  NbitsArgs args{};
  args.rows = c.rows;
  args.columns = c.columns;
  args.blocks = c.blocks;
  args.pairs = c.pairs;
  args.lastPairs = (c.lastDepth + 7) / 8;
  args.zeros = c.zeros;
  const size_t depth = (c.blocks - 1) * 8 * c.pairs + c.lastDepth;
  const size_t slack = 8 * args.lastPairs - c.lastDepth;
  args.xStride = depth + static_cast<size_t>(random.between(0, 9));
  const size_t bytes = (c.rows - 1) * args.xStride + depth + slack;
  auto* x = input.place<int8_t>(c.edge, bytes);
  for (size_t i = 0; i < bytes; ++i) x[i] = drawInt8(c.fill, random);
  args.x = x;
  args.xScale = drawFloats(xScales, c.edge, c.rows, 0.1f, random);
  auto* totals = sums.place<int32_t>(c.edge, c.rows * c.blocks);
  for (size_t i = 0; i < c.rows * c.blocks; ++i) {
    const size_t block = i % c.blocks;
    const size_t pairs = block + 1 < c.blocks ? args.pairs : args.lastPairs;
    totals[i] = 0;
    for (size_t k = 0; k < 8 * pairs; ++k) {
      totals[i] += x[i / c.blocks * args.xStride + block * 8 * args.pairs + k];
    }
  }
  args.sums = totals;
  args.panel = drawPanel(args, width, c, random);
  args.bias = c.hasBias ? drawFloats(biases, c.edge, c.columns, 5, random) : nullptr;
  args.yStride = c.columns + static_cast<size_t>(random.between(0, 1)) * 5;
  args.scratch = scratch.place<uint8_t>(c.edge, nbitsScratch(kernel, c.rows, c.pairs), 0, 64);
  args.y =
      static_cast<float*>(output.place(c.edge, 4 * ((c.rows - 1) * args.yStride + c.columns), 4));
  for (size_t row = 0; row < c.rows; ++row) {
    for (size_t column = 0; column < c.columns; ++column) {
      output.expect(4 * (row * args.yStride + column), nbitsOf(args, width, c, row, column));
    }
  }
  kernel.run(args);
  output.check();
}

void nbitsCases(const NbitsKernel& kernel) {
  Random random(20);
  const size_t rowCounts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13};
  const auto width = static_cast<size_t>(kernel.columns);
  for (size_t columns = 1; columns <= width; ++columns) {
    for (size_t rows : rowCounts) {
      for (int turn = 0; turn < (everything ? 12 : 2); ++turn) {
        const auto pairs = static_cast<size_t>(2 << random.between(0, 3));
        runNbits(kernel,
                 {rows, columns, static_cast<size_t>(random.between(1, 4)), pairs,
                  static_cast<size_t>(random.between(1, static_cast<int32_t>(8 * pairs))),
                  random.coin() ? 0 : random.between(1, 2), random.coin(), random.coin(),
                  random.coin() ? Edge::kFront : Edge::kBack},
                 random);
      }
    }
  }
}

void blockSumCases(const BlockSumKernel& kernel) {
  Random random(21);
  for (size_t pairs = 1; pairs <= 32; ++pairs) {
    for (int turn = 0; turn < 8; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const auto blocks = static_cast<size_t>(random.between(1, 4));
      const auto last = static_cast<size_t>(random.between(1, static_cast<int32_t>(pairs)));
      note("%ld blocks of %ld pairs, the last of %ld, turn %ld",
           {static_cast<long>(blocks), static_cast<long>(pairs), static_cast<long>(last), turn});
      const size_t bytes = 8 * ((blocks - 1) * pairs + last);
      auto* x = input.place<int8_t>(edge, bytes);
      for (size_t i = 0; i < bytes; ++i) x[i] = drawInt8(turn / 3, random);
      auto* y = static_cast<int32_t*>(output.place(edge, 4 * blocks, 4));
      for (size_t block = 0; block < blocks; ++block) {
        int32_t sum = 0;
        for (size_t k = 8 * block * pairs; k < bytes && k < 8 * (block + 1) * pairs; ++k)
          sum += x[k];
        output.expect(4 * block, sum);
      }
      kernel.run({x, blocks, pairs, last, y});
      output.check();
    }
  }
}

void runBits(const BitDotKernel& kernel, size_t rows, size_t columns, size_t depth, int turn,
             Random& random) {
  const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
  const bool toInt = turn % 3 == 0, hasBias = turn % 3 == 1;
  note("%ld × %ld, depth %ld, turn %ld",
       {static_cast<long>(rows), static_cast<long>(columns), static_cast<long>(depth), turn});
  const auto width = static_cast<size_t>(kernel.columns);
  BitDotArgs args{};
  args.rows = rows;
  args.columns = columns;
  args.words = (depth + 31) / 32;
  args.depth = static_cast<int32_t>(depth);
  args.xStride = args.words + static_cast<size_t>(random.between(0, 2));
  const auto draw = [&](size_t word) {
    const auto bits = static_cast<uint32_t>(random.bits() >> (turn % 5 == 0 ? 40 : 0));
    return depth - 32 * word >= 32 ? bits : bits & ((1u << depth % 32) - 1);
  };
  auto* x = input.place<uint32_t>(edge, (rows - 1) * args.xStride + args.words);
  for (size_t i = 0; i < rows * args.words; ++i) {
    x[i / args.words * args.xStride + i % args.words] = draw(i % args.words);
  }
  auto* panel = panels.place<uint32_t>(edge, args.words * width, 0, 64);
  for (size_t i = 0; i < args.words * width; ++i) panel[i] = draw(i / width);
  args.x = x;
  args.panel = panel;
  args.multiplier = toInt ? nullptr : drawFloats(multipliers, edge, columns, 2, random);
  args.bias = hasBias ? drawFloats(biases, edge, columns, 50, random) : nullptr;
  args.yStride = columns + static_cast<size_t>(random.between(0, 1)) * 5;
  args.y = output.place(edge, 4 * ((rows - 1) * args.yStride + columns), 4);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      int32_t acc = 0;
      for (size_t k = 0; k < depth; ++k) {
        const uint32_t a = x[row * args.xStride + k / 32] >> k % 32;
        const uint32_t b = panel[k / 32 * width + column] >> k % 32;
        acc += (a & 1) == (b & 1) ? 1 : -1;
      }
      const size_t at = 4 * (row * args.yStride + column);
      if (toInt) {
        output.expect(at, acc);
      } else {
        const float product = static_cast<float>(acc) * args.multiplier[column];
        output.expect(at, hasBias ? product + args.bias[column] : product);
      }
    }
  }
  kernel.run(args);
  output.check();
}

void bitDotCases(const BitDotKernel& kernel) {
  Random random(22);
  int turn = 0;
  for (size_t columns = 1; columns <= static_cast<size_t>(kernel.columns); ++columns) {
    for (size_t rows = 1; rows <= 17; ++rows) {
      for (int i = 0; i < (everything ? 20 : 3); ++i) {
        const auto depth = static_cast<size_t>(random.between(1, i == 0 ? 1500 : 140));
        runBits(kernel, rows, columns, depth, turn++, random);
      }
    }
  }
}

}  // namespace

void testNbits() {
#define OCTAVO_NBITS(name, isa, columns) \
  testKernel<NbitsKernel, nbitsCases>({#name, Isa::isa, columns, name});
#define OCTAVO_BLOCKSUM(name, isa) \
  testKernel<BlockSumKernel, blockSumCases>({#name, Isa::isa, name});
#include "native/kernels/nbits/kernels.inc"
}

void testBitDot() {
#define OCTAVO_BITDOT(name, isa, columns, popcount)      \
  testKernel<BitDotKernel, bitDotCases>(                 \
      {#name, Isa::isa, columns, popcount, name}, false, \
      popcount && !isVpopcntSupported() ? "avx512vpopcntdq" : nullptr);
#include "native/kernels/bitdot/kernels.inc"
}

}  // namespace test
}  // namespace octavo
