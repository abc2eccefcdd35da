// Cast between whole-byte types. Floats become integers by truncation, limited to the type's range,
// NaN as 0; integers keep their low bits; anything but 0 is true; the 16-bit floats are read and
// written by way of float32.
#include <limits>
#include <type_traits>

#include "native/ops/element.h"
#include "native/ops/half.h"
#include "native/ops/number.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

// How elements are stored, and the number that stands for one.
template <typename Stored>
struct Plain {
  using Element = Stored;
  static Stored read(Stored stored) { return stored; }
};
struct Float16 {
  using Element = uint16_t;
  static float read(uint16_t stored) { return fromFloat16(stored); }
};
struct Bfloat16 {
  using Element = uint16_t;
  static float read(uint16_t stored) { return fromBfloat16(stored); }
};
struct Bool {
  using Element = uint8_t;
  static uint8_t read(uint8_t stored) { return stored != 0; }
};

// The nearest float32; one rounding, whatever the type.
template <typename Number>
float narrow(Number value) {
  return static_cast<float>(value);
}

template <typename To, typename Number>
typename To::Element convert(Number value) {
  using Element = typename To::Element;
  if constexpr (std::is_same_v<To, Float16>) {
    return toFloat16(narrow(value));
  } else if constexpr (std::is_same_v<To, Bfloat16>) {
    return toBfloat16(narrow(value));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return value != 0;
  } else if constexpr (std::is_integral_v<Element> && std::is_floating_point_v<Number>) {
    using Limits = std::numeric_limits<Element>;
    // The largest value may round up to a power of two, which is out of range too.
    if (value >= static_cast<Number>(Limits::max())) return Limits::max();
    if (value <= static_cast<Number>(Limits::min())) return Limits::min();
    return value == value ? static_cast<Element>(value) : Element{0};
  } else {
    return static_cast<Element>(value);
  }
}

template <typename From, typename To>
void castRange(const void* x, void* y, size_t begin, size_t end) {
  const auto* from = static_cast<const typename From::Element*>(x);
  auto* to = static_cast<typename To::Element*>(y);
  for (size_t i = begin; i < end; ++i) to[i] = convert<To>(From::read(from[i]));
}

using CastRange = void (*)(const void* x, void* y, size_t begin, size_t end);

// use(form) for the form of a type; null for types of less than a byte.
template <typename Use>
CastRange withForm(DataType type, Use&& use) {
  switch (type) {
    case DataType::kFloat16:
      return use(Float16{});
    case DataType::kBfloat16:
      return use(Bfloat16{});
    case DataType::kBool:
      return use(Bool{});
    default:
      return withNumber(type, [&](auto number) { return use(Plain<decltype(number)>{}); });
  }
}

CastRange chooseCast(DataType from, DataType to) {
  return withForm(from, [to](auto source) {
    return withForm(to, [source](auto target) -> CastRange {
      (void)source;
      return &castRange<decltype(source), decltype(target)>;
    });
  });
}

class CastStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  CastRange range = nullptr;

  void run(const RunContext& context) const override {
    const auto* from = context.in<uint8_t>(x);
    auto* to = context.out<uint8_t>(y);
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kPartBytes / 8, 64,
                [&](size_t begin, size_t end, size_t) { range(from, to, begin, end); });
  }
};

}  // namespace

Status prepareCast(const StepView& step, const PrepareContext&,
                   std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  if (x == nullptr || y == nullptr || x->count != y->count) {
    return badStep("x and y must have as many elements");
  }
  auto cast = std::make_unique<CastStep>();
  cast->x = *x;
  cast->y = *y;
  cast->range = chooseCast(x->type, y->type);
  if (cast->range == nullptr) return badStep("types of less than a byte can't be cast");
  *prepared = std::move(cast);
  return {};
}

}  // namespace octavo
