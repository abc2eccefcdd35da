// elementwise: all lengths up to a few vectors, both operands or either one a vector.
#include "native/kernels/elementwise/elementwise.h"

#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_QADD(name, isa) void name(const QBinaryArgs& args);
#define OCTAVO_QMUL(name, isa) void name(const QBinaryArgs& args);
#include "native/kernels/elementwise/kernels.inc"

namespace test {
namespace {

Guarded left("a", 1 << 12), right("b", 1 << 12);
Output output("y", 1 << 12);

const uint8_t* draw(Guarded& memory, Edge edge, size_t count, bool extreme, Random& random) {
  auto* x = memory.place<uint8_t>(edge, count, kTensorSlack);
  for (size_t i = 0; i < count; ++i) {
    x[i] = static_cast<uint8_t>(extreme ? random.between(0, 1) * 255 : random.between(0, 255));
  }
  return x;
}

template <bool isSum>
void combineCases(const QBinaryKernel& kernel) {
  Random random(7);
  for (size_t count = 1; count <= 260; ++count) {
    for (int turn = 0; turn < 12; ++turn) {
      const Edge edge = turn % 2 == 0 ? Edge::kFront : Edge::kBack;
      const bool aIsVector = turn % 3 != 0, bIsVector = turn % 3 != 1, extreme = turn > 8;
      note("%ld values, vectors %ld %ld, turn %ld",
           {static_cast<long>(count), aIsVector, bIsVector, turn});
      QBinaryArgs args{};
      args.a = draw(left, edge, aIsVector ? count : 1, extreme, random);
      args.b = draw(right, edge, bIsVector ? count : 1, extreme, random);
      args.count = count;
      args.aIsVector = aIsVector;
      args.bIsVector = bIsVector;
      args.aZero = random.between(0, 255);
      args.bZero = random.between(0, 255);
      args.aMultiplier = random.real(0.001f, isSum ? 3 : 0.1f);
      args.bMultiplier = random.real(0.001f, 3);
      args.zero = random.between(0, 255);
      args.min = random.coin() ? 0 : random.between(0, 128);
      args.max = random.coin() ? 255 : random.between(128, 255);
      args.y = static_cast<uint8_t*>(output.place(edge, count, 1));
      for (size_t i = 0; i < count; ++i) {
        const auto a = static_cast<float>(args.a[aIsVector ? i : 0] - args.aZero);
        const auto b = static_cast<float>(args.b[bIsVector ? i : 0] - args.bZero);
        const float sum = a * args.aMultiplier + b * args.bMultiplier;
        const float product = a * b * args.aMultiplier;
        const int32_t y = requantized(isSum ? sum : product, args.zero, args.min, args.max);
        output.expect(i, static_cast<uint8_t>(y));
      }
      kernel.run(args);
      output.check();
    }
  }
}

}  // namespace

void testElementwise() {
#define OCTAVO_QADD(name, isa) \
  testKernel<QBinaryKernel, combineCases<true>>({#name, Isa::isa, name});
#define OCTAVO_QMUL(name, isa) \
  testKernel<QBinaryKernel, combineCases<false>>({#name, Isa::isa, name});
#include "native/kernels/elementwise/kernels.inc"
}

}  // namespace test
}  // namespace octavo
