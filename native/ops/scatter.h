// What a scattering step does where an update falls: a function from the update and the element
// that lies there to the one that will.
#pragma once

#include <algorithm>
#include <cstring>

#include "native/ops/element.h"
#include "native/ops/indices.h"
#include "native/ops/number.h"
#include "native/ops/parts.h"

namespace octavo {

// In the order of scatterReductions in src/runtime/kinds.ts.
enum class Reduction : int32_t { kNone, kAdd, kMul, kMax, kMin, kCount };

template <typename T, Reduction reduction>
struct Combined {
  using Element = T;
  T operator()(T present, T update) const {
    if constexpr (reduction == Reduction::kAdd) return sum(present, update);
    if constexpr (reduction == Reduction::kMul) return product(present, update);
    if constexpr (reduction == Reduction::kMax) return greatest(present, update);
    if constexpr (reduction == Reduction::kMin) return least(present, update);
    return update;
  }
};

// use(Combined<…>{}) for a type and a reduction, which must have passed takeScattered.
template <typename Use>
void withCombined(DataType type, Reduction reduction, Use&& use) {
  if (reduction == Reduction::kNone) {
    return withWord(elementBytes(type),
                    [&](auto word) { use(Combined<decltype(word), Reduction::kNone>{}); });
  }
  withNumber(type, [&](auto number) {
    using T = decltype(number);
    switch (reduction) {
      case Reduction::kAdd:
        use(Combined<T, Reduction::kAdd>{});
        break;
      case Reduction::kMul:
        use(Combined<T, Reduction::kMul>{});
        break;
      case Reduction::kMax:
        use(Combined<T, Reduction::kMax>{});
        break;
      default:
        use(Combined<T, Reduction::kMin>{});
    }
    return true;
  });
}

// x and y of one shape, updates of their type, and a reduction that the type has.
inline Status takeScattered(const StepView& step, int32_t reduction, const TensorInfo** x,
                            const TensorInfo** updates, const TensorInfo** y) {
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, x, y));
  *updates = inputAt(step, 2);
  if (!sameDims(**x, **y)) return badStep("x and y must be of one shape");
  if (!isType(*updates, {(*x)->type})) return badStep("x and the updates must be of one type");
  if (reduction < 0 || reduction >= static_cast<int32_t>(Reduction::kCount)) {
    return badStep("unknown reduction");
  }
  const bool isNumber = !isType(*x, {DataType::kBool, DataType::kFloat16, DataType::kBfloat16});
  if (reduction != 0 && !isNumber) return badStep("the type has no such reduction");
  return {};
}

inline void copyAll(const RunContext& context, const TensorInfo& x, const TensorInfo& y) {
  const auto* from = context.in<uint8_t>(x);
  auto* to = context.out<uint8_t>(y);
  const size_t bytes = static_cast<size_t>(x.count) * elementBytes(x.type);
  forEachPart(context.team, bytes, kPartBytes, 64, [&](size_t begin, size_t end, size_t) {
    std::memcpy(to + begin, from + begin, end - begin);
  });
}

}  // namespace octavo
