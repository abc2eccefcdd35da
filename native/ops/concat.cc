// Concat: tensors of one whole-byte type, one behind the other along an axis. A row of y is made of
// one run of bytes from each input.
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
  std::vector<Run> runs;  // none of them empty
  size_t rowBytes = 0;

  void run(const RunContext& context) const override {
    uint8_t* to = context.out<uint8_t>(y);
    forEachPart(context.team, y.bytes, kPartBytes, 64, [&](size_t begin, size_t end, size_t) {
      size_t row = begin / rowBytes, at = begin % rowBytes, i = 0;
      while (at >= runs[i].end) ++i;
      for (size_t out = begin; out < end;) {
        const Run& run = runs[i];
        const size_t length = run.end - run.begin, bytes = std::min(run.end - at, end - out);
        std::memcpy(to + out, context.in<uint8_t>(run.x) + row * length + (at - run.begin), bytes);
        out += bytes;
        at += bytes;
        if (++i == runs.size()) i = 0, at = 0, ++row;
      }
    });
  }
};

}  // namespace

Status prepareConcat(const StepView& step, const PrepareContext&,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo* y = outputAt(step, 0);
  const int axis = step.as<ConcatParams>().axis;
  if (y == nullptr || elementBytes(y->type) == 0) return badStep("y must be of a whole-byte type");
  if (axis < 0 || axis >= y->rank) return badStep("axis is out of range");
  auto concat = std::make_unique<ConcatStep>();
  concat->y = *y;
  if (y->count > 0) {
    concat->rowBytes = elementBytes(y->type);
    for (int i = axis; i < y->rank; ++i) concat->rowBytes *= static_cast<size_t>(y->dims[i]);
  }
  int64_t length = 0;
  size_t at = 0;
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
    length += x->dims[axis];
    if (x->count == 0 || y->count == 0) continue;
    const size_t bytes =
        concat->rowBytes / static_cast<size_t>(y->dims[axis]) * static_cast<size_t>(x->dims[axis]);
    concat->runs.push_back({*x, at, at + bytes});
    at += bytes;
  }
  if (length != y->dims[axis]) return badStep("the lengths of the inputs must add up to y's");
  *prepared = std::move(concat);
  return {};
}

}  // namespace octavo
