// Slice: y[i] = x[start + i * step] along every axis, steps of any sign.
#include "native/ops/element.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

class SliceStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Walk<1> walk;
  int64_t first = 0;  // element of x

  void run(const RunContext& context) const override {
    const size_t bytes = elementBytes(y.type);
    const uint8_t* from = context.in<uint8_t>(x) + static_cast<size_t>(first) * bytes;
    uint8_t* to = context.out<uint8_t>(y);
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kPartBytes / bytes, 64, [&](size_t begin, size_t end, size_t) {
      walk.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end),
                      [&](int64_t at, int64_t length, const int64_t* offsets) {
                        copyStrided(bytes, from + offsets[0] * static_cast<int64_t>(bytes),
                                    walk.rowStride(0), length,
                                    to + static_cast<size_t>(at) * bytes);
                      });
    });
  }
};

}  // namespace

Status prepareSlice(const StepView& step, const PrepareContext&,
                    std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y;
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  const auto& params = step.as<SliceParams>();
  if (x->rank != y->rank) return badStep("x and y must be of one rank");
  auto slice = std::make_unique<SliceStep>();
  slice->x = *x;
  slice->y = *y;
  if (y->count > 0) {
    int64_t strides[kMaxRank];
    stridesOf(*x, strides);
    for (int axis = 0; axis < y->rank; ++axis) {
      const int64_t first = params.starts[axis], size = x->dims[axis];
      const int64_t last = first + (y->dims[axis] - 1) * params.steps[axis];
      if (first < 0 || first >= size || last < 0 || last >= size) {
        return badStep("a slice reaches beyond x");
      }
      slice->first += first * strides[axis];
      const int64_t stride = strides[axis] * params.steps[axis];
      slice->walk.add(y->dims[axis], &stride);
    }
  }
  *prepared = std::move(slice);
  return {};
}

}  // namespace octavo
