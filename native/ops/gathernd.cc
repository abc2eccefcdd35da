// GatherND: the slices of x that tuples of indices address, one after the other.
#include <cstring>

#include "native/ops/element.h"
#include "native/ops/indices.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

class GatherNDStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Tuples tuples;

  void run(const RunContext& context) const override {
    const auto* from = context.in<uint8_t>(x);
    const Indices indices(context, tuples.indices);
    uint8_t* to = context.out<uint8_t>(y);
    const size_t bytes = elementBytes(x.type);
    const size_t slice = static_cast<size_t>(tuples.slice) * bytes;
    const auto count = static_cast<size_t>(tuples.count);
    const size_t grain = kPartBytes / std::max<size_t>(slice, 8);
    forEachPart(context.team, count, grain, 1, [&](size_t begin, size_t end, size_t) {
      for (size_t i = begin; i < end; ++i) {
        const int64_t offset = tuples.offsetAt(indices, static_cast<int64_t>(i));
        if (offset < 0) return;
        std::memcpy(to + i * slice, from + static_cast<size_t>(offset) * bytes, slice);
      }
    });
  }
};

}  // namespace

Status prepareGatherND(const StepView& step, const PrepareContext&,
                       std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y;
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  auto gather = std::make_unique<GatherNDStep>();
  gather->x = *x;
  gather->y = *y;
  const int32_t batchDims = step.as<GatherNDParams>().batchDims;
  OCTAVO_RETURN_IF_ERROR(gather->tuples.take(*x, inputAt(step, 1), batchDims, *y));
  *prepared = std::move(gather);
  return {};
}

}  // namespace octavo
