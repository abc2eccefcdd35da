// depthwise: all channel counts of a block, windows of every size, strides, dilation and padding as
// each form has them; of kTaps, all types of results.
#include "native/kernels/depthwise/depthwise.h"

#include "test/native/kernels/harness.h"

namespace octavo::test {
namespace {

struct Case {
  size_t channels, outputs, rows, cells, step;
  int fill;  // of pixels and weights: random, zeros, or the four pairs of extremes
  Edge edge;
};

Guarded pixels("pixels", 1 << 17), grids("grid", 1 << 13), taps("tapAt", 1 << 12);
Guarded weights("weights", 1 << 18), biases("bias", 1 << 10), multipliers("multiplier", 1 << 10);
Guarded addends("addend", 1 << 10), paddings("padding", 1 << 10), inputRows("rows", 1 << 10),
    scratch("cells", 1 << 18);
Output output("y", 1 << 16);

int32_t draw(int fill, int32_t low, int32_t high, bool highest, Random& random) {
  if (fill == 0) return random.between(low, high);
  return fill == 1 ? 0 : highest ? high : low;
}

size_t upTo(size_t most, Random& random) {
  return static_cast<size_t>(random.between(0, static_cast<int32_t>(most)));
}

// Pixels of a few more channels, and what kernels read behind the last one.
uint8_t* drawPixels(Guarded& memory, const DepthwiseKernel& kernel, const Case& c, size_t bytes,
                    Random& random) {
  uint8_t* x = memory.place<uint8_t>(c.edge, bytes, static_cast<size_t>(kernel.channels) - 1);
  for (size_t i = 0; i < bytes; ++i) {
    const int32_t value = draw(c.fill, 0, 255, c.fill > 3, random);
    x[i] = static_cast<uint8_t>(c.fill == 1 ? random.bits() : value);
  }
  return x;
}

// The channels of a block, in natural order, and what a kernel takes for each position.
struct Block {
  std::vector<int32_t> weight, bias;  // weight: [channel][tap]
  std::vector<float> multiplier, addend;
};

Block drawBlock(const DepthwiseKernel& kernel, const Case& c, Random& random) {
  const auto channels = static_cast<size_t>(kernel.channels);
  const int32_t low = kernel.weightBytes == 2 ? -255 : -128,
                high = kernel.weightBytes == 2 ? 255 : 127;
  Block block;
  block.weight.resize(channels * c.rows * c.cells);
  for (int32_t& w : block.weight) w = draw(c.fill, low, high, c.fill % 2 == 1, random);
  for (size_t i = 0; i < channels; ++i) {
    block.bias.push_back(random.between(-20000, 20000));
    block.multiplier.push_back(random.real(0.0001f, 0.02f));
    block.addend.push_back(random.real(-20, 20));
  }
  return block;
}

// weightAt(quad, shift, entry, channel), packed [quad][shift][position][4], or wide: vectors of
// pairs (w0, w2) and (w1, w3) take turns.
template <typename WeightAt>
void setBlock(DepthwiseArgs* args, const DepthwiseKernel& kernel, const Case& c, const Block& block,
              size_t shifts, WeightAt weightAt) {
  const size_t positions = kernel.positions(), words = 4 * static_cast<size_t>(kernel.lanes);
  const auto bytes = static_cast<size_t>(kernel.weightBytes);
  std::vector<uint8_t> packed(args->quads * shifts * positions * 4 * bytes);
  for (size_t group = 0; group < args->quads * shifts; ++group) {
    for (size_t p = 0; p < positions; ++p) {
      for (size_t t = 0; t < 4; ++t) {
        const int32_t w = weightAt(group / shifts, group % shifts, t, kernel.channelAt(p));
        const size_t at = group * positions + p, vector = at / words * 2 + t % 2;
        const auto wide = static_cast<int16_t>(w);
        if (bytes == 1) packed[at * 4 + t] = static_cast<uint8_t>(w);
        if (bytes == 2)
          std::memcpy(&packed[(vector * words + p % words) * 4 + t / 2 * 2], &wide, 2);
      }
    }
  }
  auto* bias = biases.place<int32_t>(c.edge, positions);
  auto* multiplier = multipliers.place<float>(c.edge, positions);
  auto* addend = addends.place<float>(c.edge, positions);
  for (size_t p = 0; p < positions; ++p) {
    bias[p] = block.bias[kernel.channelAt(p)];
    multiplier[p] = block.multiplier[kernel.channelAt(p)];
    addend[p] = block.addend[kernel.channelAt(p)];
  }
  args->addend = addend;
  args->weights = reinterpret_cast<const int8_t*>(weights.copy(c.edge, packed, 0, 64));
  args->bias = bias;
  args->multiplier = multiplier;
}

size_t bytesOf(DepthwiseOutput output) { return output == DepthwiseOutput::kUint8 ? 1 : 4; }

// What becomes of a sum, as bytes.
void expectAt(size_t at, const DepthwiseArgs& args, int32_t acc, float multiplier, float addend) {
  const float value = static_cast<float>(acc) * multiplier;
  const float added = args.addend == nullptr ? value : value + addend;
  const float raised = added > args.lower ? added : args.lower;
  const float bounded = raised < args.upper ? raised : args.upper;
  const int32_t code = requantized(value, args.zero, args.min, args.max);
  uint8_t bytes[4] = {static_cast<uint8_t>(code)};
  if (args.output == DepthwiseOutput::kInt32) std::memcpy(bytes, &acc, sizeof bytes);
  if (args.output == DepthwiseOutput::kFloat32) std::memcpy(bytes, &bounded, sizeof bytes);
  for (size_t i = 0; i < bytesOf(args.output); ++i) output.expect(at + i, bytes[i]);
}

// Everything else, and the results of `count` rows: xAt(row, output, tap, channel) is what a weight
// is multiplied with.
template <typename XAt>
void run(DepthwiseArgs* args, const DepthwiseKernel& kernel, const Case& c, const Block& block,
         size_t count, size_t yRow, Random& random, XAt xAt) {
  args->channels = c.channels;
  args->outputs = c.outputs;
  args->zero = random.between(0, 255);
  args->min = random.coin() ? 0 : random.between(0, 128);
  args->max = random.coin() ? 255 : random.between(128, 255);
  args->lower = random.coin() ? -1e30f : random.coin() ? 0 : random.real(-10, 0);
  args->upper = random.coin() ? 1e30f : random.real(0, 10);
  if (random.coin()) args->addend = nullptr;
  const size_t width = bytesOf(args->output);
  const size_t bytes = (count - 1) * yRow + (c.outputs - 1) * args->yStride + c.channels * width;
  args->y = static_cast<uint8_t*>(output.place(c.edge, bytes, 1));
  for (size_t i = 0; i < count * c.outputs * c.channels; ++i) {
    const size_t channel = i % c.channels, o = i / c.channels % c.outputs,
                 row = i / c.channels / c.outputs;
    int32_t acc = block.bias[channel];
    for (size_t tap = 0; tap < c.rows * c.cells; ++tap) {
      acc += xAt(row, o, tap, channel) * block.weight[channel * c.rows * c.cells + tap];
    }
    expectAt(row * yRow + o * args->yStride + channel * width, *args, acc,
             block.multiplier[channel], block.addend[channel]);
  }
  kernel.run(*args);
  output.check();
}

void runTaps(const DepthwiseKernel& kernel, const Case& c, Random& random) {
  const size_t window = c.rows * c.cells, before = upTo(1, random) * 16,
               pixel = before + c.channels;
  const size_t places = (c.outputs - 1) * c.step + c.cells, count = 12;
  const uint8_t* x = drawPixels(pixels, kernel, c, count * pixel, random);
  std::vector<const uint8_t*> grid(c.rows * places);
  for (const uint8_t*& at : grid) at = x + upTo(count - 1, random) * pixel;
  grid[grid.size() / 2] = x + (count - 1) * pixel;
  DepthwiseArgs args{};
  args.quads = (window + 3) / 4;
  std::vector<int32_t> tapAt(4 * args.quads);
  for (size_t i = 0; i < window; ++i) {
    tapAt[i] = static_cast<int32_t>(i / c.cells * places + i % c.cells);
  }
  const Block block = drawBlock(kernel, c, random);
  setBlock(&args, kernel, c, block, 1, [&](size_t quad, size_t, size_t t, size_t channel) {
    const size_t tap = 4 * quad + t;
    return tap < window ? block.weight[channel * window + tap] : 0;
  });
  args.taps = {grids.copy(c.edge, grid), taps.copy(c.edge, tapAt), c.step};
  args.offset = before;
  args.output = static_cast<DepthwiseOutput>(upTo(2, random));
  args.yStride = (c.channels + upTo(1, random) * 7) * bytesOf(args.output);
  run(&args, kernel, c, block, 1, 0, random, [&](size_t, size_t o, size_t tap, size_t channel) {
    return grid[static_cast<size_t>(tapAt[tap]) + o * c.step][before + channel];
  });
}

void runRows(const DepthwiseKernel& kernel, const Case& c, Random& random) {
  const auto width = static_cast<size_t>(kernel.channels);
  const size_t dilation = 1 + upTo(3, random) / 3, stride = 1 + upTo(2, random),
               shifts = 3 - c.step;
  const size_t before = upTo(1, random) * 16, pixel = before + c.channels;
  const size_t rowQuads = (c.cells + shifts - 1 + 3) / 4;
  DepthwiseArgs args{};
  args.offset = before;
  args.quads = c.rows * rowQuads;
  args.yStride = c.channels + upTo(1, random) * 7;
  DepthwiseRows& rows = args.rows;
  rows.pixelStride = pixel;
  rows.count = 1 + upTo(3, random);
  rows.stride = stride;
  rows.span = (c.rows - 1) * dilation + 1;
  rows.reach = 2 * (rowQuads - 1);
  rows.newest = args.quads == 3 && rows.span == 3 && stride <= 2 ? stride : 0;
  rows.shifts = shifts;
  rows.yRow = c.outputs * args.yStride + upTo(1, random) * 11;

  // An image that ends anywhere, and input rows above and below it.
  const size_t columns = 1 + upTo((c.outputs - 1) * c.step + c.cells, random), count = 4;
  rows.width = static_cast<int64_t>(columns);
  rows.column = -static_cast<int64_t>(upTo(3, random));
  const uint8_t* x = drawPixels(pixels, kernel, c, count * columns * pixel, random);
  rows.padding = drawPixels(paddings, kernel, c, pixel, random);
  std::vector<const uint8_t*> at((rows.count - 1) * stride + rows.span);
  for (const uint8_t*& row : at) {
    row = random.between(0, 5) == 0 ? nullptr : x + upTo(count - 1, random) * columns * pixel;
  }
  rows.rows = inputRows.copy(c.edge, at);

  const size_t cells = ((c.outputs + shifts - 1) / shifts + 3) / 4 * 4;
  rows.plane = ((cells + 2 * rowQuads + 4) * width + 63) / 64 * 64;
  rows.cells = scratch.place<uint8_t>(c.edge, rows.span * 4 * rows.plane, kTensorSlack, 64);
  const size_t cell = width == kernel.positions() ? 4 * width : width;
  std::vector<const uint8_t*> quadAt(rows.span * args.quads);
  for (size_t i = 0; i < quadAt.size(); ++i) {
    const size_t quad = i % args.quads, row = i / args.quads + quad / rowQuads * dilation;
    quadAt[i] = rows.cells + row % rows.span * 4 * rows.plane + quad % rowQuads * 2 * cell;
  }
  rows.quadAt = grids.copy(c.edge, quadAt);

  const Block block = drawBlock(kernel, c, random);
  setBlock(&args, kernel, c, block, shifts,
           [&](size_t quad, size_t shift, size_t t, size_t channel) {
             const size_t column = quad % rowQuads * 4 + t - shift;
             if (column >= c.cells) return 0;  // or less than 0
             return block.weight[(channel * c.rows + quad / rowQuads) * c.cells + column];
           });
  run(&args, kernel, c, block, rows.count, rows.yRow, random,
      [&](size_t row, size_t o, size_t tap, size_t channel) {
        const uint8_t* from = at[row * stride + tap / c.cells * dilation];
        const int64_t column = rows.column + static_cast<int64_t>(o * c.step + tap % c.cells);
        const bool inside = from != nullptr && column >= 0 && column < rows.width;
        const uint8_t* place = inside ? from + static_cast<size_t>(column) * pixel : rows.padding;
        return place[before + channel];
      });
}

void depthwiseCases(const DepthwiseKernel& kernel) {
  Random random(3);
  const bool inRows = kernel.form == DepthwiseForm::kRows;
  size_t turn = 0;
  for (size_t channels = 1; channels <= static_cast<size_t>(kernel.channels); ++channels) {
    for (size_t outputs = 1; outputs <= 17; outputs += outputs < 9 ? 1 : 4) {
      for (size_t size = 1; size <= 7; ++size) {
        for (int fill = 0; fill < 6; ++fill) {
          if (!everything && turn++ % 7 != 0) continue;
          const size_t cells = size == 3 ? 3 : 1 + upTo(6, random);
          const size_t step = 1 + upTo(inRows ? 1 : 2, random);
          const Case c{channels,
                       outputs,
                       size,
                       cells,
                       step,
                       fill,
                       random.coin() ? Edge::kFront : Edge::kBack};
          note(
              "%ld channels, %ld outputs, window %ld × %ld, step %ld, fill %ld, edge %ld",
              {static_cast<long>(channels), static_cast<long>(outputs), static_cast<long>(size),
               static_cast<long>(cells), static_cast<long>(step), fill, static_cast<long>(c.edge)});
          inRows ? runRows(kernel, c, random) : runTaps(kernel, c, random);
        }
      }
    }
  }
}

}  // namespace

void testDepthwise() {
  size_t count;
  const DepthwiseKernel* kernels = depthwiseKernels(&count);
  for (size_t i = 0; i < count; ++i) {
    testKernel<DepthwiseKernel, depthwiseCases>(kernels[i], kernels[i].evex);
  }
}

}  // namespace octavo::test
