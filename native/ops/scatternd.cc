// ScatterND: x, with slices of updates where tuples of indices tell. Slices may fall on each other,
// so that every thread goes through all of them, in order, and takes the same part of each.
#include "native/ops/scatter.h"

namespace octavo {
namespace {

class ScatterNDStep final : public PreparedStep {
 public:
  TensorInfo x, updates, y;
  Reduction reduction = Reduction::kNone;
  Tuples tuples;

  void run(const RunContext& context) const override {
    copyAll(context, x, y);
    withCombined(y.type, reduction, [&](auto combined) { scatter(context, combined); });
  }

 private:
  template <typename Combine>
  void scatter(const RunContext& context, const Combine& combined) const {
    using Element = typename Combine::Element;
    const Indices indices(context, tuples.indices);
    const auto* from = context.in<Element>(updates);
    auto* to = context.out<Element>(y);
    const auto slice = static_cast<size_t>(tuples.slice);
    const size_t grain = kPartBytes / 8 / std::max<size_t>(static_cast<size_t>(tuples.count), 1);
    forEachPart(context.team, slice, grain, 64, [&](size_t begin, size_t end, size_t) {
      for (int64_t i = 0; i < tuples.count; ++i) {
        const int64_t offset = tuples.offsetAt(indices, i);
        if (offset < 0) return;
        const Element* update = from + static_cast<size_t>(i) * slice;
        Element* target = to + offset;
        for (size_t j = begin; j < end; ++j) target[j] = combined(target[j], update[j]);
      }
    });
  }
};

}  // namespace

Status prepareScatterND(const StepView& step, const PrepareContext&,
                        std::unique_ptr<PreparedStep>* prepared) {
  const int32_t reduction = step.as<ScatterNDParams>().reduction;
  const TensorInfo *x, *y, *updates;
  OCTAVO_RETURN_IF_ERROR(takeScattered(step, reduction, &x, &updates, &y));
  auto scatter = std::make_unique<ScatterNDStep>();
  scatter->x = *x;
  scatter->updates = *updates;
  scatter->y = *y;
  scatter->reduction = static_cast<Reduction>(reduction);
  OCTAVO_RETURN_IF_ERROR(scatter->tuples.take(*x, inputAt(step, 1), 0, *updates));
  *prepared = std::move(scatter);
  return {};
}

}  // namespace octavo
