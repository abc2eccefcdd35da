// Resample: weighted sums of cells along an axis, added up in the order of the taps.
#include <algorithm>

#include "native/ops/check.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

// y[j] = Σ weights[t] · x[cells[t] · stride + j] for a row of `length`.
struct Row {
  const float* x;
  const int32_t* cells;
  const float* weights;
  int64_t taps, stride, length;
  float* y;
};

// With the number of taps known, sums stay in registers.
template <int kTaps>
void sumRow(const Row& row) {
  const float* from[kTaps];
  float weight[kTaps];
  for (int t = 0; t < kTaps; ++t) {
    from[t] = row.x + row.cells[t] * row.stride;
    weight[t] = row.weights[t];
  }
  float* __restrict y = row.y;
  for (int64_t j = 0; j < row.length; ++j) {
    float sum = weight[0] * from[0][j];
    for (int t = 1; t < kTaps; ++t) sum += weight[t] * from[t][j];
    y[j] = sum;
  }
}

void sumAnyRow(const Row& row) {
  float* __restrict y = row.y;
  for (int64_t t = 0; t < row.taps; ++t) {
    const float* from = row.x + row.cells[t] * row.stride;
    const float weight = row.weights[t];
    if (t == 0) {
      for (int64_t j = 0; j < row.length; ++j) y[j] = weight * from[j];
    } else {
      for (int64_t j = 0; j < row.length; ++j) y[j] += weight * from[j];
    }
  }
}

class ResampleStep final : public PreparedStep {
 public:
  TensorInfo x, indices, weights, y;
  int64_t outer = 1, size = 0, inner = 1, places = 0, taps = 0;

  void run(const RunContext& context) const override {
    const float* from = context.in<float>(x);
    const int32_t* cells = context.in<int32_t>(indices);
    const float* factors = context.in<float>(weights);
    float* to = context.out<float>(y);
    const auto sum = taps == 2 ? &sumRow<2> : taps == 4 ? &sumRow<4> : &sumAnyRow;
    const size_t rowBytes = static_cast<size_t>(inner) * sizeof(float);
    const size_t grain = kPartBytes / std::max<size_t>(rowBytes, 1);
    forEachPart(context.team, static_cast<size_t>(outer * places), grain, 1,
                [&](size_t begin, size_t end, size_t) {
                  for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
                    const int64_t block = i / places, place = i % places;
                    sum({from + block * size * inner, cells + place * taps, factors + place * taps,
                         taps, inner, inner, to + i * inner});
                  }
                });
  }
};

}  // namespace

Status prepareResample(const StepView& step, const PrepareContext& context,
                       std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *indices = inputAt(step, 1), *weights = inputAt(step, 2);
  const TensorInfo* y = outputAt(step, 0);
  const int32_t axis = step.as<ResampleParams>().axis;
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kFloat32})) {
    return badStep("x and y must be float32");
  }
  if (!isType(indices, {DataType::kInt32}) || !isType(weights, {DataType::kFloat32}) ||
      indices->rank != 2 || indices->dims[1] < 1 || !sameDims(*indices, *weights)) {
    return badStep("indices must be int32 and weights float32, of places and taps");
  }
  if (axis < 0 || axis >= x->rank || x->rank != y->rank) {
    return badStep("y must have the axes of x");
  }
  auto resample = std::make_unique<ResampleStep>();
  resample->x = *x;
  resample->indices = *indices;
  resample->weights = *weights;
  resample->y = *y;
  resample->size = x->dims[axis];
  resample->places = indices->dims[0];
  resample->taps = indices->dims[1];
  bool fits = y->dims[axis] == resample->places;
  for (int i = 0; i < x->rank; ++i) {
    if (i == axis) continue;
    fits &= y->dims[i] == x->dims[i];
    (i < axis ? resample->outer : resample->inner) *= x->dims[i];
  }
  if (!fits) return badStep("y must have the dims of x, that of the axis the number of places");
  const int32_t* cells = context.constant<int32_t>(*indices);
  if (cells == nullptr || context.constant<float>(*weights) == nullptr) {
    return badStep("indices and weights must be constants");
  }
  const bool inside = std::all_of(cells, cells + indices->count,
                                  [&](int32_t cell) { return cell >= 0 && cell < x->dims[axis]; });
  if (!inside) return badStep("an index is out of range");
  *prepared = std::move(resample);
  return {};
}

}  // namespace octavo
