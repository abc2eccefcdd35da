// Pad: along every axis, `before` cells in front of x and what the dims of y leave behind it; fewer
// than none cut cells off. The cells show a value, x mirrored at its ends, or its nearest cell.
#include <cmath>
#include <vector>

#include "native/ops/element.h"
#include "native/ops/half.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

enum class PadMode : int32_t { kConstant, kReflect, kEdge, kCount };

// The cell of x that cell i of y shows along an axis of x of `size`; negative where it shows the
// value.
int64_t sourceOf(PadMode mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  if (mode == PadMode::kConstant) return -1;
  if (mode == PadMode::kEdge) return i < 0 ? 0 : size - 1;
  const int64_t period = std::max<int64_t>(2 * (size - 1), 1);
  const int64_t phase = (i % period + period) % period;
  return phase < size ? phase : period - phase;
}

class PadStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  PadMode mode = PadMode::kConstant;
  uint8_t value[8] = {};
  size_t bytes = 1;  // of an element

  // Axes behind the last one that is padded make a cell; the others are left.
  void fold(const int32_t* before) {
    rank_ = y.rank;
    cell_ = 1;
    if (y.count == 0) return;
    while (rank_ > 0 && before[rank_ - 1] == 0 && x.dims[rank_ - 1] == y.dims[rank_ - 1]) {
      cell_ *= y.dims[--rank_];
    }
    int64_t stride = 1;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      before_[axis] = before[axis];
      strides_[axis] = stride;
      stride *= x.count == 0 ? 0 : x.dims[axis];
    }
  }

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    const uint8_t* from = context.in<uint8_t>(x);
    uint8_t* to = context.out<uint8_t>(y);
    const int64_t width = rank_ == 0 ? 1 : y.dims[rank_ - 1];
    const auto rows = static_cast<size_t>(y.count / (width * cell_));
    const size_t rowBytes = static_cast<size_t>(width) * cellBytes();
    forEachPart(context.team, rows, kPartBytes / rowBytes, 1,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t row = begin; row < end; ++row) {
                    const int64_t source = rowSource(static_cast<int64_t>(row));
                    uint8_t* out = to + row * rowBytes;
                    if (source < 0) {
                      fill(out, width);
                    } else {
                      padRow(from + static_cast<size_t>(source) * cellBytes(), out, width);
                    }
                  }
                });
  }

 private:
  size_t cellBytes() const { return static_cast<size_t>(cell_) * bytes; }

  // Where the row of x that a row of y shows begins, in cells; negative if it shows the value.
  int64_t rowSource(int64_t row) const {
    int64_t offset = 0;
    for (int axis = rank_ - 2; axis >= 0; --axis) {
      const int64_t source = sourceOf(mode, row % y.dims[axis] - before_[axis], x.dims[axis]);
      if (source < 0) return -1;
      offset += source * strides_[axis];
      row /= y.dims[axis];
    }
    return offset;
  }

  void padRow(const uint8_t* from, uint8_t* out, int64_t width) const {
    const int last = rank_ - 1;
    const int64_t size = last < 0 ? 1 : x.dims[last], shift = last < 0 ? 0 : before_[last];
    const int64_t first = std::clamp<int64_t>(shift, 0, width);
    const int64_t end = std::clamp<int64_t>(shift + size, first, width);
    if (mode == PadMode::kConstant) {
      fill(out, first);
      fill(out + static_cast<size_t>(end) * cellBytes(), width - end);
    } else {
      for (int64_t i = 0; i < first; ++i) copy(from, sourceOf(mode, i - shift, size), out, i, 1);
      for (int64_t i = end; i < width; ++i) copy(from, sourceOf(mode, i - shift, size), out, i, 1);
    }
    if (end > first) copy(from, first - shift, out, first, end - first);
  }

  void copy(const uint8_t* from, int64_t source, uint8_t* out, int64_t i, int64_t cells) const {
    std::memcpy(out + static_cast<size_t>(i) * cellBytes(),
                from + static_cast<size_t>(source) * cellBytes(),
                static_cast<size_t>(cells) * cellBytes());
  }

  void fill(uint8_t* out, int64_t cells) const { copyStrided(bytes, value, 0, cells * cell_, out); }

  int rank_ = 0;      // axes that are walked
  int64_t cell_ = 1;  // elements of a cell
  int64_t before_[kMaxRank] = {}, strides_[kMaxRank] = {};
};

// `value` as an element of the type; false where an integer type can't hold a fraction.
bool encodeValue(float value, DataType type, uint8_t* out) {
  const auto store = [out](auto element) { std::memcpy(out, &element, sizeof element); };
  switch (type) {
    case DataType::kFloat32:
      store(value);
      return true;
    case DataType::kFloat64:
      store(static_cast<double>(value));
      return true;
    case DataType::kFloat16:
      store(toFloat16(value));
      return true;
    case DataType::kBfloat16:
      store(toBfloat16(value));
      return true;
    default:
      break;
  }
  if (std::trunc(value) != value || std::isinf(value)) return false;
  // The low bits, whatever the size. Of 2^64 and more there are none.
  const float magnitude = std::fabs(value);
  const uint64_t low = magnitude < 0x1p64f ? static_cast<uint64_t>(magnitude) : 0;
  store(value < 0 ? 0 - low : low);
  return true;
}

}  // namespace

Status preparePad(const StepView& step, const PrepareContext&,
                  std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y;
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  const auto& params = step.as<PadParams>();
  if (x->rank != y->rank) return badStep("x and y must be of one rank");
  if (params.mode < 0 || params.mode >= static_cast<int32_t>(PadMode::kCount)) {
    return badStep("no such mode");
  }
  auto pad = std::make_unique<PadStep>();
  pad->x = *x;
  pad->y = *y;
  pad->mode = static_cast<PadMode>(params.mode);
  pad->bytes = elementBytes(y->type);
  if (pad->mode != PadMode::kConstant && x->count == 0)
    return badStep("there are no cells to show");
  pad->fold(params.before);
  if (!encodeValue(params.value, y->type, pad->value)) {
    return badStep("the value of an integer type must be whole");
  }
  *prepared = std::move(pad);
  return {};
}

}  // namespace octavo
