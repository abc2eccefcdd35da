// A tensor as lines along one of its axes, for steps that take each line by itself.
#pragma once

#include "native/ops/parts.h"
#include "native/plan/tensor.h"

namespace octavo {

struct Lines {
  int64_t outer = 1, size = 0, inner = 1;

  // False where the tensor has no such axis.
  bool take(const TensorInfo& x, int32_t axis) {
    if (axis < 0 || axis >= x.rank) return false;
    for (int i = 0; i < axis; ++i) outer *= x.dims[i];
    size = x.dims[axis];
    for (int i = axis + 1; i < x.rank; ++i) inner *= x.dims[i];
    return true;
  }

  int64_t count() const { return outer * inner; }

  // Where a line begins in a tensor whose lines are of this length; elements are `inner` apart.
  int64_t first(int64_t line, int64_t length) const {
    return line / inner * length * inner + line % inner;
  }

  // each(line, worker) for every line, on the team.
  template <typename Each>
  void forEach(Team& team, Each&& each) const {
    constexpr size_t kGrain = 16 << 10;
    const size_t grain = kGrain / static_cast<size_t>(std::max<int64_t>(size, 1));
    forEachPart(team, static_cast<size_t>(count()), grain, 1,
                [&](size_t begin, size_t end, size_t worker) {
                  for (size_t i = begin; i < end; ++i) each(static_cast<int64_t>(i), worker);
                });
  }
};

// Whether y has the dims of x, but `length` along the axis.
inline bool sameButAlong(const TensorInfo& x, int32_t axis, int64_t length, const TensorInfo& y) {
  bool fits = y.rank == x.rank;
  for (int i = 0; i < x.rank && fits; ++i) fits = y.dims[i] == (i == axis ? length : x.dims[i]);
  return fits;
}

}  // namespace octavo
