// Reduce, of integers and float64: plain loops. Integers are kept in 64 bits, which wrap; a mean is
// cut towards zero. Floats are kept in double.
#include "native/ops/reduceany.h"

#include <limits>
#include <type_traits>

#include "native/ops/number.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 16 << 10;

template <typename T>
class ReduceAnyStep final : public PreparedStep {
 public:
  ReduceAnyStep(const ReduceAxes& axes, ReduceKind kind) : axes_(axes), kind_(kind) {}

  void run(const RunContext& context) const override {
    const T* from = context.in<T>(axes_.x);
    T* to = context.out<T>(axes_.y);
    const auto depth = static_cast<size_t>(axes_.depth());
    forEachPart(context.team, static_cast<size_t>(axes_.y.count),
                kGrain / std::max<size_t>(depth, 1), 1, [&](size_t begin, size_t end, size_t) {
                  const int64_t step = axes_.kept.rowStride(0);
                  axes_.kept.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end),
                                        [&](int64_t at, int64_t length, const int64_t* offsets) {
                                          for (int64_t i = 0; i < length; ++i) {
                                            to[at + i] = reduce(from + offsets[0] + i * step);
                                          }
                                        });
                });
  }

 private:
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double,
                                 std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
  // Signed sums wrap as unsigned ones do.
  using Wrapping = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

  Sum start() const {
    using Limits = std::numeric_limits<T>;
    switch (kind_) {
      case ReduceKind::kMax:
        return static_cast<Sum>(Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
      case ReduceKind::kMin:
        return static_cast<Sum>(Limits::has_infinity ? Limits::infinity() : Limits::max());
      default:
        return kind_ == ReduceKind::kProd ? 1 : 0;
    }
  }

  T reduce(const T* from) const {
    Sum sum = start();
    axes_.reduced.forEachRow(0, axes_.depth(), [&](int64_t, int64_t length, const int64_t* at) {
      const int64_t step = axes_.reduced.rowStride(0);
      for (int64_t i = 0; i < length; ++i)
        sum = fold(sum, static_cast<Sum>(from[at[0] + i * step]));
    });
    if (kind_ == ReduceKind::kMean && (std::is_floating_point_v<T> || axes_.depth() > 0)) {
      sum /= static_cast<Sum>(axes_.depth());
    }
    return static_cast<T>(sum);
  }

  Sum fold(Sum a, Sum b) const {
    switch (kind_) {
      case ReduceKind::kMax:
        return b > a || b != b ? b : a;
      case ReduceKind::kMin:
        return b < a || b != b ? b : a;
      case ReduceKind::kProd:
        return static_cast<Sum>(static_cast<Wrapping>(a) * static_cast<Wrapping>(b));
      default:
        return static_cast<Sum>(static_cast<Wrapping>(a) + static_cast<Wrapping>(b));
    }
  }

  ReduceAxes axes_;
  ReduceKind kind_;
};

}  // namespace

std::unique_ptr<PreparedStep> makeReduceAny(const ReduceAxes& axes, ReduceKind kind) {
  if (axes.x.type == DataType::kBool) return nullptr;
  return withNumber(axes.x.type, [&](auto number) -> std::unique_ptr<PreparedStep> {
    return std::make_unique<ReduceAnyStep<decltype(number)>>(axes, kind);
  });
}

}  // namespace octavo
