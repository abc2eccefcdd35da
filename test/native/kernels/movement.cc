// lookup: all lengths up to a few vectors. transpose: all sizes up to a few blocks, dense and with
// gaps between rows.
#include "native/kernels/lookup/lookup.h"
#include "native/kernels/transpose/transpose.h"
#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_LOOKUP(name, isa) void name(const LookupArgs& args);
#include "native/kernels/lookup/kernels.inc"
#define OCTAVO_TRANSPOSE(name, isa, bytes) void name(const TransposeArgs& args);
#include "native/kernels/transpose/kernels.inc"
#undef OCTAVO_TRANSPOSE

namespace test {
namespace {

Guarded input("x", 1 << 16), table("table", 256);
Output output("y", 1 << 16);

void lookupCases(const LookupKernel& kernel) {
  Random random(11);
  for (size_t count = 0; count <= 300; ++count) {
    for (const Edge edge : {Edge::kFront, Edge::kBack}) {
      note("%ld values, edge %ld", {static_cast<long>(count), static_cast<long>(edge)});
      auto* values = table.place<uint8_t>(edge, 256);
      for (size_t i = 0; i < 256; ++i) values[i] = static_cast<uint8_t>(random.bits());
      auto* x = input.place<uint8_t>(edge, count);
      auto* y = static_cast<uint8_t*>(output.place(edge, count, 1));
      for (size_t i = 0; i < count; ++i) {
        x[i] = static_cast<uint8_t>(random.bits());
        output.expect(i, values[x[i]]);
      }
      kernel.run({x, values, y, count});
      output.check();
    }
  }
}

void transposeCases(const TransposeKernel& kernel) {
  Random random(12);
  const size_t size = kernel.bytes;
  for (size_t rows = 1; rows <= 40; ++rows) {
    for (size_t columns = 1; columns <= 80; columns += everything ? 1 : 1 + random.bits() % 2) {
      const Edge edge = random.coin() ? Edge::kFront : Edge::kBack;
      const size_t gaps[] = {0, 0, 1, static_cast<size_t>(random.between(0, 9))};
      TransposeArgs args{};
      args.rows = rows;
      args.columns = columns;
      args.xStride = columns + gaps[random.between(0, 3)];
      args.yStride = rows + gaps[random.between(0, 3)];
      note("%ld × %ld, strides %ld and %ld, edge %ld",
           {static_cast<long>(rows), static_cast<long>(columns), static_cast<long>(args.xStride),
            static_cast<long>(args.yStride), static_cast<long>(edge)});
      const size_t bytes = size * ((rows - 1) * args.xStride + columns);
      auto* x = input.place<uint8_t>(edge, bytes, kTensorSlack, size);
      for (size_t i = 0; i < bytes; ++i) x[i] = static_cast<uint8_t>(random.bits());
      args.x = x;
      args.y = output.place(edge, size * ((columns - 1) * args.yStride + rows), size);
      for (size_t i = 0; i < rows * columns * size; ++i) {
        const size_t row = i / size / columns, column = i / size % columns, part = i % size;
        output.expect((column * args.yStride + row) * size + part,
                      x[(row * args.xStride + column) * size + part]);
      }
      kernel.run(args);
      output.check();
    }
  }
}

}  // namespace

void testLookup() {
#define OCTAVO_LOOKUP(name, isa) testKernel<LookupKernel, lookupCases>({#name, Isa::isa, name});
#include "native/kernels/lookup/kernels.inc"
}

void testTranspose() {
#define OCTAVO_TRANSPOSE(name, isa, bytes) \
  testKernel<TransposeKernel, transposeCases>({#name, Isa::isa, bytes, name});
#include "native/kernels/transpose/kernels.inc"
#undef OCTAVO_TRANSPOSE
}

}  // namespace test
}  // namespace octavo
