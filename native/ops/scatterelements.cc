// ScatterElements: x, with each update at its place, but for the axis, where its index tells. All
// updates of an element lie in one line along the axis, so that a line is the work of one thread
// and takes them in order.
#include "native/ops/scatter.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

class ScatterElementsStep final : public PreparedStep {
 public:
  TensorInfo x, indices, updates, y;
  Reduction reduction = Reduction::kNone;
  int64_t size = 0, stride = 0;          // of y along the axis
  int64_t length = 0, updateStride = 0;  // of the updates along it
  int64_t lines = 1;
  Walk<2> walk;  // lines of the updates; where they begin there and in y

  void run(const RunContext& context) const override {
    copyAll(context, x, y);
    withCombined(y.type, reduction, [&](auto combined) { scatter(context, combined); });
  }

 private:
  template <typename Combine>
  void scatter(const RunContext& context, const Combine& combined) const {
    using Element = typename Combine::Element;
    const Indices rows(context, indices);
    const auto* from = context.in<Element>(updates);
    auto* to = context.out<Element>(y);
    const size_t grain = kPartBytes / 8 / static_cast<size_t>(std::max<int64_t>(length, 1));
    const auto count = static_cast<size_t>(lines);
    forEachPart(context.team, count, grain, 1, [&](size_t begin, size_t end, size_t) {
      for (size_t i = begin; i < end; ++i) {
        int64_t first[2];
        walk.offsetsOf(static_cast<int64_t>(i), first);
        for (int64_t j = 0; j < length; ++j) {
          const int64_t at = first[0] + j * updateStride;
          const int64_t row = rows.rowAt(at, size);
          if (row < 0) return;
          Element& target = to[first[1] + row * stride];
          target = combined(target, from[at]);
        }
      }
    });
  }
};

}  // namespace

Status prepareScatterElements(const StepView& step, const PrepareContext&,
                              std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<ScatterElementsParams>();
  const TensorInfo *x, *y, *updates, *indices = inputAt(step, 1);
  OCTAVO_RETURN_IF_ERROR(takeScattered(step, params.reduction, &x, &updates, &y));
  if (!isIndexType(indices)) return badStep("indices must be int32 or int64");
  const int32_t axis = params.axis;
  if (axis < 0 || axis >= x->rank || x->rank != indices->rank || !sameDims(*indices, *updates)) {
    return badStep("indices and updates must be of one shape, with the axes of x");
  }
  auto scatter = std::make_unique<ScatterElementsStep>();
  scatter->x = *x;
  scatter->indices = *indices;
  scatter->updates = *updates;
  scatter->y = *y;
  scatter->reduction = static_cast<Reduction>(params.reduction);
  int64_t from[kMaxRank] = {}, to[kMaxRank] = {};
  stridesOf(*updates, from);
  stridesOf(*y, to);
  scatter->size = y->dims[axis];
  scatter->stride = to[axis];
  scatter->length = updates->dims[axis];
  scatter->updateStride = from[axis];
  for (int i = 0; i < y->rank; ++i) {
    if (i == axis) continue;
    if (updates->dims[i] > y->dims[i]) return badStep("updates must lie within the dims of x");
    const int64_t strides[2] = {from[i], to[i]};
    scatter->walk.add(updates->dims[i], strides);
    scatter->lines *= updates->dims[i];
  }
  *prepared = std::move(scatter);
  return {};
}

}  // namespace octavo
