// Which scale belongs to which element of a QuantizeLinear or DequantizeLinear: one for the tensor,
// one for each index along an axis, or one for each block of indexes along it (and then for each
// index of the other axes). The tensor is seen as [outer, length, inner].
#pragma once

#include <algorithm>
#include <cstdint>

#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {

struct ScaleLayout {
  int64_t count;  // of scales: 1 is one for the tensor
  int64_t outer, length, inner;
  int64_t block;  // 0: one for each index along the axis
  int64_t elements;

  // Calls visit(begin, end, scale, step): element `begin` has scale number `scale`, and each next
  // one has the one `step` (0 or 1) further.
  template <typename Visit>
  void forEachRun(Visit&& visit) const {
    if (elements == 0) return;
    if (count == 1) {
      visit(int64_t{0}, elements, int64_t{0}, int64_t{0});
      return;
    }
    const int64_t per = std::max<int64_t>(block, 1), blocks = (length + per - 1) / per;
    for (int64_t o = 0; o < outer; ++o) {
      if (block == 0 && inner == 1) {
        visit(o * length, (o + 1) * length, int64_t{0}, int64_t{1});
        continue;
      }
      for (int64_t i = 0; i < length; ++i) {
        const int64_t begin = (o * length + i) * inner;
        const int64_t scale = block == 0 ? i : (o * blocks + i / block) * inner;
        visit(begin, begin + inner, scale, int64_t{block == 0 ? 0 : 1});
      }
    }
  }
};

inline Status makeScaleLayout(const TensorInfo& x, const TensorInfo& scale,
                              const TensorInfo* zeroPoint, int32_t axis, int32_t blockSize,
                              ScaleLayout* layout) {
  *layout = {scale.count, 1, x.count, 1, blockSize, x.count};
  if (zeroPoint != nullptr && zeroPoint->count != scale.count) {
    return badStep("there must be as many zero points as scales");
  }
  if (scale.count == 1) return {};
  if (axis < 0 || axis >= x.rank || blockSize < 0) return badStep("no such axis or block size");
  layout->length = x.dims[axis];
  for (int i = 0; i < axis; ++i) layout->outer *= x.dims[i];
  for (int i = axis + 1; i < x.rank; ++i) layout->inner *= x.dims[i];
  const int64_t blocks = blockSize == 0 ? 0 : (layout->length + blockSize - 1) / blockSize;
  const int64_t expected = blockSize == 0 ? layout->length : layout->outer * blocks * layout->inner;
  if (scale.count != expected) return badStep("the number of scales does not fit the axis");
  return {};
}

// A step between x and y of the same dims, one real numbers, the other integers with scales and
// zero points.
class ScaledStep : public PreparedStep {
 public:
  Status take(const TensorInfo& from, const TensorInfo& scales, const TensorInfo* zeros,
              const TensorInfo& to, int32_t axis, int32_t blockSize) {
    x = from;
    scale = scales;
    y = to;
    hasZeroPoint = zeros != nullptr;
    if (hasZeroPoint) zeroPoint = *zeros;
    if (!sameDims(x, y)) return badStep("x and y must have the same dims");
    return makeScaleLayout(x, scale, zeros, axis, blockSize, &layout);
  }

 protected:
  // Calls run(begin, count, scales, zeros, step): element `begin` has the first of the scales and
  // of the zero points (null: all are 0), and each next one those `step` (0 or 1) further. In parts
  // where there is one scale.
  template <typename T, typename Run>
  void forEachRun(const RunContext& context, Run&& run) const {
    constexpr size_t kGrain = 16 << 10;
    const float* scales = context.in<float>(scale);
    const T* zeros = hasZeroPoint ? context.in<T>(zeroPoint) : nullptr;
    if (layout.count == 1) {
      forEachPart(
          context.team, static_cast<size_t>(x.count), kGrain, 64,
          [&](size_t begin, size_t end, size_t) { run(begin, end - begin, scales, zeros, 0); });
      return;
    }
    layout.forEachRun([&](int64_t begin, int64_t end, int64_t index, int64_t step) {
      run(static_cast<size_t>(begin), static_cast<size_t>(end - begin), scales + index,
          zeros == nullptr ? nullptr : zeros + index, static_cast<size_t>(step));
    });
  }

  TensorInfo x, scale, zeroPoint, y;

 private:
  bool hasZeroPoint = false;
  ScaleLayout layout{};
};

}  // namespace octavo
