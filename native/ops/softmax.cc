// Softmax along the last axis of a float32 tensor.
#include "native/kernels/f32rows/f32rows.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 4 << 10;

class SoftmaxStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  size_t length = 1;
  const RowsKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    const float* from = context.in<float>(x);
    float* to = context.out<float>(y);
    const size_t rows = static_cast<size_t>(y.count) / length;
    forEachPart(context.team, rows, kGrain / length, 1, [&](size_t begin, size_t end, size_t) {
      kernel->softmax({from + begin * length, to + begin * length, end - begin, length});
    });
  }
};

}  // namespace

Status prepareSoftmax(const StepView& step, const PrepareContext& context,
                      std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kFloat32}) || !sameDims(*x, *y)) {
    return badStep("x and y must be float32 of one shape");
  }
  auto softmax = std::make_unique<SoftmaxStep>();
  softmax->x = *x;
  softmax->y = *y;
  if (x->rank > 0) softmax->length = static_cast<size_t>(x->dims[x->rank - 1]);
  softmax->kernel = &chooseRows(context.isa);
  *prepared = std::move(softmax);
  return {};
}

}  // namespace octavo
