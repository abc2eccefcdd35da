// Steps that compute each element of y from N tensors that broadcast to its shape: a walk over rows
// in which every operand is a vector or one value, cut into parts by size.
#pragma once

#include <algorithm>

#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {

template <int N>
struct Broadcast {
  TensorInfo operands[N];
  TensorInfo y;
  Walk<N> walk;

  // Checks that y has the shape that the first N inputs of the step broadcast to.
  Status take(const StepView& step) {
    const TensorInfo* out = outputAt(step, 0);
    if (out == nullptr) return badStep("y is missing");
    y = *out;
    int64_t strides[N][kMaxRank];
    for (int i = 0; i < N; ++i) {
      const TensorInfo* operand = inputAt(step, static_cast<size_t>(i));
      if (operand == nullptr) return badStep("an operand is missing");
      operands[i] = *operand;
      if (!broadcastStrides(*operand, y, strides[i])) {
        return badStep("the operands must broadcast to the shape of y");
      }
    }
    for (int axis = 0; axis < y.rank; ++axis) {
      int64_t stride[N];
      for (int i = 0; i < N; ++i) stride[i] = strides[i][axis];
      walk.add(y.dims[axis], stride);
    }
    return {};
  }

  // row(at, length, offsets) for rows that cover all elements of y, on the team.
  template <typename Row>
  void forEachRow(const RunContext& context, Row&& row) const {
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kPartBytes / 8, 64, [&](size_t begin, size_t end, size_t) {
      walk.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end), row);
    });
  }
};

}  // namespace octavo
