// Plain C++, for any CPU, and the specification of the family.
#include "native/kernels/elementwise/elementwise.h"
#include "native/kernels/scalar.h"

namespace octavo {
namespace {

template <typename Value>
void combine(const QBinaryArgs& args, Value&& value) {
  for (size_t i = 0; i < args.count; ++i) {
    const auto a = static_cast<float>(args.a[args.aIsVector ? i : 0] - args.aZero);
    const auto b = static_cast<float>(args.b[args.bIsVector ? i : 0] - args.bZero);
    args.y[i] = static_cast<uint8_t>(roundToInteger(value(a, b), args.zero, args.min, args.max));
  }
}

}  // namespace

void qadd_u8u8u8_portable(const QBinaryArgs& args) {
  combine(args, [&](float a, float b) { return a * args.aMultiplier + b * args.bMultiplier; });
}

void qmul_u8u8u8_portable(const QBinaryArgs& args) {
  combine(args, [&](float a, float b) { return a * b * args.aMultiplier; });
}

}  // namespace octavo
