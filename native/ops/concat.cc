// Concat: tensors of one whole-byte type, one behind the other along an axis. A row of y takes one
// run of bytes from each input, which together may be a part of it.
#include <cstring>
#include <vector>

#include "native/ops/element.h"
#include "native/ops/parts.h"

namespace octavo {
namespace {

struct Run {
  TensorInfo x;
  size_t begin, end;  // of a row of y
};

class ConcatStep final : public PreparedStep {
 public:
  TensorInfo y;
  std::vector<Run> runs;                    // none of them empty
  size_t rowBytes = 0, first = 0, end = 0;  // of a row, and what the runs are of it
  size_t rows = 0;

  void run(const RunContext& context) const override {
    uint8_t* to = context.out<uint8_t>(y);
    const size_t taken = end - first;
    forEachPart(context.team, rows * taken, kPartBytes, 64, [&](size_t from, size_t last, size_t) {
      size_t row = from / taken, at = first + from % taken, i = 0;
      while (at >= runs[i].end) ++i;
      while (from < last) {
        const Run& run = runs[i];
        const size_t length = run.end - run.begin, bytes = std::min(run.end - at, last - from);
        std::memcpy(to + row * rowBytes + at,
                    context.in<uint8_t>(run.x) + row * length + (at - run.begin), bytes);
        from += bytes;
        at += bytes;
        if (++i == runs.size()) i = 0, at = first, ++row;
      }
    });
  }
};

}  // namespace

Status prepareConcat(const StepView& step, const PrepareContext&,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo* y = outputAt(step, 0);
  const auto [axis, first] = step.as<ConcatParams>();
  if (y == nullptr || elementBytes(y->type) == 0) return badStep("y must be of a whole-byte type");
  if (axis < 0 || axis >= y->rank) return badStep("axis is out of range");
  auto concat = std::make_unique<ConcatStep>();
  concat->y = *y;
  size_t unit = 0;  // bytes of one place along the axis
  if (y->count > 0) {
    unit = elementBytes(y->type);
    for (int i = axis + 1; i < y->rank; ++i) unit *= static_cast<size_t>(y->dims[i]);
    concat->rowBytes = unit * static_cast<size_t>(y->dims[axis]);
    concat->rows = y->bytes / concat->rowBytes;
  }
  int64_t length = 0;
  for (size_t i = 0; i < step.inputCount; ++i) {
    const TensorInfo* x = inputAt(step, i);
    if (x == nullptr || x->type != y->type || x->rank != y->rank) {
      return badStep("inputs and y must be of one type and rank");
    }
    for (int j = 0; j < y->rank; ++j) {
      if (j != axis && x->dims[j] != y->dims[j]) {
        return badStep("inputs and y must agree in all axes but one");
      }
    }
    if (x->count > 0 && y->count > 0) {
      const auto at = static_cast<size_t>(first + length) * unit;
      concat->runs.push_back({*x, at, at + static_cast<size_t>(x->dims[axis]) * unit});
    }
    length += x->dims[axis];
  }
  if (!holdsPlace(y->dims[axis], first, length)) {
    return badStep("y has no room for the inputs from yFirst on");
  }
  if (!concat->runs.empty()) {
    concat->first = concat->runs.front().begin;
    concat->end = concat->runs.back().end;
  }
  *prepared = std::move(concat);
  return {};
}

}  // namespace octavo
