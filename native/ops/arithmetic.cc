// Arithmetic: an operation on two tensors of one type that broadcast, other than float32's own step
// Binary. Integers wrap; what divides by zero is 0 (see src/numerics/arithmetic.ts).
#include <cmath>
#include <type_traits>

#include "native/ops/broadcast.h"
#include "native/ops/number.h"

namespace octavo {
namespace {

// In the order of arithmeticKinds in src/runtime/kinds.ts.
enum class ArithmeticKind : int32_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMin,
  kMax,
  kMod,
  kRemainder,
  kPow,
  kAnd,
  kOr,
  kXor,
  kShiftLeft,
  kShiftRight,
  kCount
};

template <typename T>
T divide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return low<T>(-static_cast<uint64_t>(a));  // the least one has no negative
    }
    return static_cast<T>(a / b);
  }
}

template <typename T>
T remainder(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    // In double, as the other backends compute it.
    return static_cast<T>(std::fmod(static_cast<double>(a), static_cast<double>(b)));
  } else {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
}

template <typename T>
T modulo(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    const double rest = std::fmod(static_cast<double>(a), static_cast<double>(b));
    return static_cast<T>(rest != 0 && (rest < 0) != (b < 0) ? rest + static_cast<double>(b)
                                                             : rest);
  } else {
    const T rest = remainder(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
  }
}

template <typename T>
T power(T x, T n) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(std::pow(static_cast<double>(x), static_cast<double>(n)));
  } else {
    if constexpr (std::is_signed_v<T>) {
      if (n < 0) return x == 1 ? T{1} : x == -1 ? (n % 2 == 0 ? T{1} : T{-1}) : T{0};
    }
    uint64_t result = 1, base = static_cast<uint64_t>(x);
    for (auto rest = static_cast<uint64_t>(n); rest > 0; rest >>= 1, base *= base) {
      if (rest & 1) result *= base;
    }
    return low<T>(result);
  }
}

template <typename T>
constexpr bool hasOperation(ArithmeticKind kind, bool isBool) {
  const bool bitwise = kind >= ArithmeticKind::kAnd && kind <= ArithmeticKind::kXor;
  if (isBool) return bitwise;
  if (std::is_floating_point_v<T>) return kind < ArithmeticKind::kAnd;
  return kind < ArithmeticKind::kShiftLeft || std::is_unsigned_v<T>;
}

template <ArithmeticKind kind, typename T>
T compute(T a, T b) {
  using K = ArithmeticKind;
  constexpr bool isFloat = std::is_floating_point_v<T>;
  if constexpr (kind == K::kDiv) return divide(a, b);
  if constexpr (kind == K::kMin) return least(a, b);
  if constexpr (kind == K::kMax) return greatest(a, b);
  if constexpr (kind == K::kMod) return modulo(a, b);
  if constexpr (kind == K::kRemainder) return remainder(a, b);
  if constexpr (kind == K::kPow) return power(a, b);
  if constexpr (kind == K::kAdd) return sum(a, b);
  if constexpr (kind == K::kMul) return product(a, b);
  if constexpr (isFloat) {
    if constexpr (kind == K::kSub) return a - b;
  } else {
    const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
    if constexpr (kind == K::kSub) return low<T>(x - y);
    if constexpr (kind == K::kAnd) return low<T>(x & y);
    if constexpr (kind == K::kOr) return low<T>(x | y);
    if constexpr (kind == K::kXor) return low<T>(x ^ y);
    if constexpr (kind == K::kShiftLeft) return low<T>(y < 64 ? x << y : 0);
    if constexpr (kind == K::kShiftRight) return low<T>(y < 64 ? x >> y : 0);
  }
  return T{};
}

struct Row {
  const void *a, *b;
  void* y;
  int64_t aStart, bStart, aStep, bStep, at, count;
};
using RowFunction = void (*)(const Row& row);

template <ArithmeticKind kind, typename T>
void computeRow(const Row& row) {
  const T *a = static_cast<const T*>(row.a) + row.aStart,
          *b = static_cast<const T*>(row.b) + row.bStart;
  T* y = static_cast<T*>(row.y) + row.at;
  for (int64_t i = 0; i < row.count; ++i) y[i] = compute<kind>(a[i * row.aStep], b[i * row.bStep]);
}

template <typename T, int32_t kind = 0>
RowFunction rowFunction(int32_t wanted) {
  if constexpr (kind == static_cast<int32_t>(ArithmeticKind::kCount)) {
    return nullptr;
  } else {
    if (wanted == kind) return &computeRow<static_cast<ArithmeticKind>(kind), T>;
    return rowFunction<T, kind + 1>(wanted);
  }
}

class ArithmeticStep final : public PreparedStep {
 public:
  Broadcast<2> operands;
  RowFunction row = nullptr;

  void run(const RunContext& context) const override {
    const auto* a = context.in<uint8_t>(operands.operands[0]);
    const auto* b = context.in<uint8_t>(operands.operands[1]);
    auto* y = context.out<uint8_t>(operands.y);
    const Walk<2>& walk = operands.walk;
    operands.forEachRow(context, [&](int64_t at, int64_t count, const int64_t* from) {
      row({a, b, y, from[0], from[1], walk.rowStride(0), walk.rowStride(1), at, count});
    });
  }
};

}  // namespace

Status prepareArithmetic(const StepView& step, const PrepareContext&,
                         std::unique_ptr<PreparedStep>* prepared) {
  auto arithmetic = std::make_unique<ArithmeticStep>();
  OCTAVO_RETURN_IF_ERROR(arithmetic->operands.take(step));
  const TensorInfo& y = arithmetic->operands.y;
  for (const TensorInfo& operand : arithmetic->operands.operands) {
    if (operand.type != y.type) return badStep("a, b and y must be of one type");
  }
  const int32_t kind = step.as<ArithmeticParams>().kind;
  arithmetic->row = withNumber(y.type, [&](auto number) -> RowFunction {
    using T = decltype(number);
    const bool isBool = y.type == DataType::kBool;
    return hasOperation<T>(static_cast<ArithmeticKind>(kind), isBool) ? rowFunction<T>(kind)
                                                                      : nullptr;
  });
  if (arithmetic->row == nullptr) return badStep("the type has no such operation");
  *prepared = std::move(arithmetic);
  return {};
}

}  // namespace octavo
