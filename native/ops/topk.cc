// TopK: the k largest or smallest elements of each line along an axis, the best first. Of equal
// ones the first comes first, and NaN is greater than any number.
#include <algorithm>
#include <cstring>

#include "native/ops/check.h"
#include "native/ops/lines.h"
#include "native/ops/number.h"

namespace octavo {
namespace {

template <typename T>
bool isGreater(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (b != b) return false;
    if (a != a) return true;
  }
  return a > b;
}

template <typename T>
class TopKStep final : public PreparedStep {
 public:
  TensorInfo x, values, indices;
  Lines lines;
  int64_t k = 0;
  bool largest = false;

  size_t scratchBytes() const override { return static_cast<size_t>(lines.size) * sizeof(Entry); }

  void run(const RunContext& context) const override {
    const T* from = context.in<T>(x);
    T* best = context.out<T>(values);
    auto* where = context.out<int64_t>(indices);
    lines.forEach(context.team, [&](int64_t line, size_t worker) {
      auto* entries = reinterpret_cast<Entry*>(context.scratchOf(worker));
      const T* row = from + lines.first(line, lines.size);
      for (int64_t i = 0; i < lines.size; ++i) entries[i] = {row[i * lines.inner], i};
      std::partial_sort(entries, entries + k, entries + lines.size,
                        [&](const Entry& a, const Entry& b) {
                          if (isGreater(a.value, b.value)) return largest;
                          if (isGreater(b.value, a.value)) return !largest;
                          return a.index < b.index;
                        });
      const int64_t to = lines.first(line, k);
      for (int64_t i = 0; i < k; ++i) {
        best[to + i * lines.inner] = entries[i].value;
        where[to + i * lines.inner] = entries[i].index;
      }
    });
  }

 private:
  struct Entry {
    T value;
    int64_t index;
  };
};

}  // namespace

Status prepareTopK(const StepView& step, const PrepareContext&,
                   std::unique_ptr<PreparedStep>* prepared) {
  const auto& params = step.as<TopKParams>();
  const TensorInfo *x = inputAt(step, 0), *values = outputAt(step, 0), *indices = outputAt(step, 1);
  Lines lines;
  if (x == nullptr || !isType(values, {x->type}) || !isType(indices, {DataType::kInt64})) {
    return badStep("values must be of the type of x, indices int64");
  }
  if (!lines.take(*x, params.axis) || values->rank != x->rank || !sameDims(*values, *indices)) {
    return badStep("values and indices must be of one shape, with the axes of x");
  }
  const int64_t k = values->dims[params.axis];
  if (k > lines.size || !sameButAlong(*x, params.axis, k, *values)) {
    return badStep("values must have the dims of x, k along the axis");
  }
  if (x->type == DataType::kBool) return badStep("x must be a number");
  *prepared = withNumber(x->type, [&](auto number) -> std::unique_ptr<PreparedStep> {
    auto top = std::make_unique<TopKStep<decltype(number)>>();
    top->x = *x;
    top->values = *values;
    top->indices = *indices;
    top->lines = lines;
    top->k = k;
    top->largest = params.largest != 0;
    return top;
  });
  return *prepared == nullptr ? badStep("x must be a number") : Status();
}

}  // namespace octavo
