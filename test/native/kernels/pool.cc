// pool and f32pool: all channel counts up to a few vectors, windows of many sizes.
#include "native/kernels/pool/pool.h"

#include <cmath>
#include <limits>

#include "native/kernels/f32pool/f32pool.h"
#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_MAXPOOL_U8(name, isa) void name(const MaxPoolArgs& args);
#define OCTAVO_MAXPOOL_S8(name, isa) void name(const MaxPoolArgs& args);
#define OCTAVO_MAXPOOL_F32(name, isa) void name(const MaxPoolArgs& args);
#define OCTAVO_QAVERAGEPOOL(name, isa) void name(const QAveragePoolArgs& args);
#include "native/kernels/pool/kernels.inc"
#define OCTAVO_AVERAGE_POOL(name, isa) void name(const AveragePoolArgs& args);
#include "native/kernels/f32pool/kernels.inc"
#undef OCTAVO_AVERAGE_POOL

namespace test {
namespace {

Guarded input("x", 1 << 19);
Output output("y", 1 << 14);

// A window over pixels of `bytes` that fills the input, with the slack of a tensor behind it.
PoolWindow drawWindow(size_t bytes, size_t most, Edge edge, Random& random) {
  PoolWindow window{};
  const auto side = [&] {
    return static_cast<size_t>(random.between(1, static_cast<int32_t>(most)));
  };
  window.rows = side();
  window.cells = side();
  window.outputs = static_cast<size_t>(random.between(1, 4));
  window.outputStride = bytes * static_cast<size_t>(random.between(1, 2));
  window.cellStride = bytes;
  window.rowStride = bytes * (window.cells + 2 * window.outputs);
  const size_t last = (window.outputs - 1) * window.outputStride +
                      (window.rows - 1) * window.rowStride + (window.cells - 1) * window.cellStride;
  window.x = input.place<uint8_t>(edge, last + bytes, kTensorSlack, 4);
  return window;
}

size_t cellAt(const PoolWindow& window, size_t o, size_t cell) {
  return o * window.outputStride + cell / window.cells * window.rowStride +
         cell % window.cells * window.cellStride;
}

template <typename T>
void fillWindow(const PoolWindow& window, size_t bytes, bool special, Random& random) {
  const size_t end = cellAt(window, window.outputs - 1, window.rows * window.cells - 1) + bytes;
  for (size_t at = 0; at < end; at += sizeof(T)) {
    T value = static_cast<T>(random.bits() % 256);
    if (sizeof(T) == 4) value = static_cast<T>(special ? random.anyFloat() : random.real(-9, 9));
    std::memcpy(const_cast<uint8_t*>(window.x) + at, &value, sizeof value);
  }
}

template <typename T>
T valueAt(const PoolWindow& window, size_t at) {
  T value;
  std::memcpy(&value, window.x + at, sizeof value);
  return value;
}

template <typename T>
void maxCases(const MaxPoolKernel& kernel) {
  Random random(8);
  for (size_t channels = 1; channels <= 200 / sizeof(T); ++channels) {
    for (int turn = 0; turn < 8; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const size_t bytes = channels * sizeof(T);
      const PoolWindow window = drawWindow(bytes, 4, edge, random);
      note("%ld channels, window %ld × %ld, %ld outputs, turn %ld",
           {static_cast<long>(channels), static_cast<long>(window.rows),
            static_cast<long>(window.cells), static_cast<long>(window.outputs), turn});
      fillWindow<T>(window, bytes, turn > 3, random);
      auto* y = static_cast<uint8_t*>(output.place(edge, window.outputs * bytes, sizeof(T)));
      for (size_t at = 0; at < window.outputs * bytes; at += sizeof(T)) {
        const size_t o = at / bytes, c = at % bytes;
        T best = valueAt<T>(window, cellAt(window, o, 0) + c);
        for (size_t cell = 0; cell < window.rows * window.cells; ++cell) {
          const T x = valueAt<T>(window, cellAt(window, o, cell) + c);
          if (x > best || x != x) best = x;
        }
        if (sizeof(T) == 4) {  // any NaN, and either zero
          output.expectFloat(at, static_cast<double>(best), 0);
        } else {
          output.expect(at, best);
        }
      }
      kernel.run({window, bytes, y});
      output.check();
    }
  }
}

void averageCases(const QAveragePoolKernel& kernel) {
  Random random(9);
  for (size_t channels = 1; channels <= 200; ++channels) {
    for (int turn = 0; turn < 8; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const bool toFloat = turn % 4 > 1, large = turn == 7 && channels % 9 == 0;
      const PoolWindow window = drawWindow(channels, large ? 40 : 4, edge, random);
      note("%ld channels, window %ld × %ld, %ld outputs, turn %ld",
           {static_cast<long>(channels), static_cast<long>(window.rows),
            static_cast<long>(window.cells), static_cast<long>(window.outputs), turn});
      fillWindow<uint8_t>(window, channels, false, random);
      const size_t size = toFloat ? 4 : 1, cells = window.rows * window.cells;
      QAveragePoolArgs args{};
      args.window = window;
      args.channels = channels;
      args.y = output.place(edge, window.outputs * channels * size, size);
      args.toFloat = toFloat;
      args.xZero = random.between(0, 255);
      args.multiplier = random.real(0.1f, 2) / static_cast<float>(cells);
      args.zero = random.between(0, 255);
      args.min = random.coin() ? 0 : random.between(0, 128);
      args.max = random.coin() ? 255 : random.between(128, 255);
      for (size_t i = 0; i < window.outputs * channels; ++i) {
        int32_t sum = 0;
        for (size_t cell = 0; cell < cells; ++cell) {
          sum += window.x[cellAt(window, i / channels, cell) + i % channels] - args.xZero;
        }
        const float value = static_cast<float>(sum) * args.multiplier;
        if (toFloat) {
          output.expect(i * size, value);
        } else {
          const int32_t q = requantized(value, args.zero, args.min, args.max);
          output.expect(i, static_cast<uint8_t>(q));
        }
      }
      kernel.run(args);
      output.check();
    }
  }
}

void floatAverageCases(const AveragePoolKernel& kernel) {
  Random random(10);
  for (size_t channels = 1; channels <= 130; ++channels) {
    for (int turn = 0; turn < 6; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      PoolWindow window = drawWindow(4 * channels, turn == 5 ? 30 : 4, edge, random);
      note("%ld channels, window %ld × %ld, turn %ld",
           {static_cast<long>(channels), static_cast<long>(window.rows),
            static_cast<long>(window.cells), turn});
      fillWindow<float>(window, 4 * channels, false, random);
      const size_t cells = window.rows * window.cells;
      const auto divisor = static_cast<float>(cells + static_cast<size_t>(random.between(0, 3)));
      auto* y = static_cast<float*>(output.place(edge, 4 * channels, 4));
      for (size_t c = 0; c < channels; ++c) {
        double sum = 0, magnitude = 0;
        for (size_t cell = 0; cell < cells; ++cell) {
          const auto x =
              static_cast<double>(valueAt<float>(window, cellAt(window, 0, cell) + 4 * c));
          sum += x;
          magnitude += std::fabs(x);
        }

        const double terms = static_cast<double>(window.rows + window.cells);
        output.expectFloat(4 * c, sum / divisor, terms * 0x1p-24 * magnitude / divisor + 1e-44);
      }
      kernel.run({reinterpret_cast<const float*>(window.x), window.rows, window.rowStride / 4,
                  window.cells, window.cellStride / 4, channels, divisor, y});
      output.check();
    }
  }
}

}  // namespace

void testPool() {
#define OCTAVO_MAXPOOL_U8(name, isa) \
  testKernel<MaxPoolKernel, maxCases<uint8_t>>({#name, Isa::isa, name});
#define OCTAVO_MAXPOOL_S8(name, isa) \
  testKernel<MaxPoolKernel, maxCases<int8_t>>({#name, Isa::isa, name});
#define OCTAVO_MAXPOOL_F32(name, isa) \
  testKernel<MaxPoolKernel, maxCases<float>>({#name, Isa::isa, name});
#define OCTAVO_QAVERAGEPOOL(name, isa) \
  testKernel<QAveragePoolKernel, averageCases>({#name, Isa::isa, name});
#include "native/kernels/pool/kernels.inc"
}

void testFloatPool() {
#define OCTAVO_AVERAGE_POOL(name, isa) \
  testKernel<AveragePoolKernel, floatAverageCases>({#name, Isa::isa, name});
#include "native/kernels/f32pool/kernels.inc"
#undef OCTAVO_AVERAGE_POOL
}

}  // namespace test
}  // namespace octavo
