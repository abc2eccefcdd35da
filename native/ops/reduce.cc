// Reduce: sum, mean, maximum or minimum over chosen axes of a float32 tensor. The axes that are
// reduced and those that are kept are walked apart. Where the innermost axis is reduced, each
// result folds rows of it; where it is kept, rows are folded into as many results at once. Sums are
// kept in double and rounded once.
#include <cmath>

#include "native/kernels/f32rows/f32rows.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/ops/reduceany.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 32 << 10;
// Results that are folded at once.
constexpr int64_t kColumns = 512;

// The value of an empty fold.
double startOf(FoldKind kind) {
  return kind == FoldKind::kSum ? 0 : kind == FoldKind::kMax ? -HUGE_VAL : HUGE_VAL;
}

class ReduceStep final : public PreparedStep, private ReduceAxes {
 public:
  explicit ReduceStep(const ReduceAxes& axes) : ReduceAxes(axes) {}

  FoldKind fold = FoldKind::kSum;
  double divisor = 1;
  const RowsKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    const float* from = context.in<float>(x);
    float* to = context.out<float>(y);
    const bool byRow = kept.rowStride(0) != 1;
    const auto depth = static_cast<size_t>(x.count / y.count);
    forEachPart(context.team, static_cast<size_t>(y.count), kGrain / std::max<size_t>(depth, 1),
                byRow ? 1 : 16, [&](size_t begin, size_t end, size_t) {
                  kept.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end),
                                  [&](int64_t at, int64_t length, const int64_t* offsets) {
                                    const float* row = from + offsets[0];
                                    byRow ? foldRows(row, length, to + at)
                                          : foldColumns(row, length, to + at);
                                  });
                });
  }

 private:
  void foldRows(const float* from, int64_t count, float* to) const {
    for (int64_t i = 0; i < count; ++i, from += kept.rowStride(0)) {
      double value = startOf(fold);
      reduced.forEachRow(0, depth(), [&](int64_t, int64_t length, const int64_t* offsets) {
        kernel->foldRow({fold, from + offsets[0], static_cast<size_t>(length), &value});
      });
      to[i] = static_cast<float>(value / divisor);
    }
  }

  void foldColumns(const float* from, int64_t count, float* to) const {
    double values[kColumns];
    for (int64_t first = 0; first < count; first += kColumns) {
      const int64_t n = std::min(kColumns, count - first);
      std::fill_n(values, n, startOf(fold));
      reduced.forEachRow(0, depth(), [&](int64_t, int64_t length, const int64_t* offsets) {
        const float* row = from + first + offsets[0];
        for (int64_t i = 0; i < length; ++i, row += reduced.rowStride(0)) {
          kernel->foldColumns({fold, row, static_cast<size_t>(n), values});
        }
      });
      for (int64_t i = 0; i < n; ++i) to[first + i] = static_cast<float>(values[i] / divisor);
    }
  }
};

}  // namespace

Status prepareReduce(const StepView& step, const PrepareContext& context,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  const auto& params = step.as<ReduceParams>();
  if (x == nullptr || y == nullptr || x->type != y->type || x->rank != y->rank) {
    return badStep("x and y must be of one type and rank");
  }
  if (params.kind < 0 || params.kind >= static_cast<int32_t>(ReduceKind::kCount)) {
    return badStep("no such kind of reduction");
  }
  ReduceAxes axes{*x, *y, {}, {}};
  int64_t strides[kMaxRank];
  stridesOf(*x, strides);
  for (int axis = 0; axis < x->rank; ++axis) {
    const bool reduced = params.axes[axis] == 1;
    if (y->dims[axis] != (reduced ? 1 : x->dims[axis])) {
      return badStep("y must have the shape of x, its reduced axes 1");
    }
    (reduced ? axes.reduced : axes.kept).add(x->dims[axis], &strides[axis]);
  }
  const auto kind = static_cast<ReduceKind>(params.kind);
  if (x->type != DataType::kFloat32 || kind == ReduceKind::kProd) {
    *prepared = makeReduceAny(axes, kind);
    return *prepared == nullptr ? badStep("x and y must be numbers") : Status();
  }
  auto reduce = std::make_unique<ReduceStep>(axes);
  reduce->fold = kind == ReduceKind::kMax   ? FoldKind::kMax
                 : kind == ReduceKind::kMin ? FoldKind::kMin
                                            : FoldKind::kSum;
  if (kind == ReduceKind::kMean && y->count > 0) {
    reduce->divisor = static_cast<double>(axes.depth());
  }
  reduce->kernel = &chooseRows(context.isa);
  *prepared = std::move(reduce);
  return {};
}

}  // namespace octavo
