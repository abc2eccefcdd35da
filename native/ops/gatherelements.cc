// GatherElements: for each index, the element of x at its place, but for the axis, where the index
// tells.
#include "native/ops/element.h"
#include "native/ops/indices.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

class GatherElementsStep final : public PreparedStep {
 public:
  TensorInfo x, indices, y;
  int64_t size = 0, stride = 0;  // of x along the axis
  Walk<1> walk;                  // y; where a line along the axis begins in x

  void run(const RunContext& context) const override {
    withWord(elementBytes(x.type), [&](auto word) { runAs<decltype(word)>(context); });
  }

 private:
  template <typename Element>
  void runAs(const RunContext& context) const {
    const auto* from = context.in<Element>(x);
    const Indices rows(context, indices);
    auto* to = context.out<Element>(y);
    const int64_t step = walk.rowStride(0);
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kPartBytes / 8, 64, [&](size_t begin, size_t end, size_t) {
      walk.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end),
                      [&](int64_t at, int64_t length, const int64_t* line) {
                        for (int64_t i = 0; i < length; ++i) {
                          const int64_t row = rows.rowAt(at + i, size);
                          if (row < 0) return;
                          to[at + i] = from[line[0] + i * step + row * stride];
                        }
                      });
    });
  }
};

}  // namespace

Status prepareGatherElements(const StepView& step, const PrepareContext&,
                             std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y, *indices = inputAt(step, 1);
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  const int32_t axis = step.as<GatherElementsParams>().axis;
  if (!isIndexType(indices)) return badStep("indices must be int32 or int64");
  if (axis < 0 || axis >= x->rank || x->rank != y->rank || !sameDims(*indices, *y)) {
    return badStep("indices and y must be of one shape, with the axes of x");
  }
  auto gather = std::make_unique<GatherElementsStep>();
  gather->x = *x;
  gather->indices = *indices;
  gather->y = *y;
  int64_t strides[kMaxRank];
  stridesOf(*x, strides);
  gather->size = x->dims[axis];
  gather->stride = strides[axis];
  for (int i = 0; i < y->rank; ++i) {
    if (i != axis && y->dims[i] > x->dims[i]) return badStep("y must lie within the dims of x");
    const int64_t stride = i == axis ? 0 : strides[i];
    gather->walk.add(y->dims[i], &stride);
  }
  *prepared = std::move(gather);
  return {};
}

}  // namespace octavo
