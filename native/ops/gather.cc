// Gather: slices of x along an axis, in the order of the indices. An index below 0 counts from the
// end; one out of range is a fault of the run.
#include <cstring>

#include "native/ops/element.h"
#include "native/ops/indices.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

class GatherStep final : public PreparedStep {
 public:
  TensorInfo x, indices, y;
  int64_t outer = 1, size = 0, inner = 1;

  void run(const RunContext& context) const override {
    const auto* from = context.in<uint8_t>(x);
    const Indices rows(context, indices);
    uint8_t* to = context.out<uint8_t>(y);
    const size_t slice = static_cast<size_t>(inner) * elementBytes(x.type);
    const auto slices = static_cast<size_t>(outer * indices.count);
    const size_t grain = kPartBytes / std::max<size_t>(slice, 1);
    forEachPart(context.team, slices, grain, 1, [&](size_t begin, size_t end, size_t) {
      for (size_t i = begin; i < end; ++i) {
        const auto block = static_cast<int64_t>(i) / indices.count;
        const int64_t row = rows.rowAt(static_cast<int64_t>(i) % indices.count, size);
        if (row < 0) return;
        std::memcpy(to + i * slice, from + static_cast<size_t>(block * size + row) * slice, slice);
      }
    });
  }
};

}  // namespace

Status prepareGather(const StepView& step, const PrepareContext&,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y, *indices = inputAt(step, 1);
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  const int32_t axis = step.as<GatherParams>().axis;
  if (!isIndexType(indices)) return badStep("indices must be int32 or int64");
  if (axis < 0 || axis >= x->rank || x->rank - 1 + indices->rank != y->rank) {
    return badStep("y must have the axes of x, that of the indices replaced by theirs");
  }
  auto gather = std::make_unique<GatherStep>();
  gather->x = *x;
  gather->indices = *indices;
  gather->y = *y;
  gather->size = x->dims[axis];
  bool fits = true;
  for (int i = 0; i < axis; ++i) {
    gather->outer *= x->dims[i];
    fits &= y->dims[i] == x->dims[i];
  }
  for (int i = 0; i < indices->rank; ++i) fits &= y->dims[axis + i] == indices->dims[i];
  for (int i = axis + 1; i < x->rank; ++i) {
    gather->inner *= x->dims[i];
    fits &= y->dims[i - 1 + indices->rank] == x->dims[i];
  }
  if (!fits) return badStep("y must have the dims of x, that of the axis replaced by the indices'");
  *prepared = std::move(gather);
  return {};
}

}  // namespace octavo
