#include "native/ops/recurrent.h"

#include <cmath>
#include <cstring>
#include <string>

namespace octavo {
namespace {

// Multiplications worth handing to another thread.
constexpr double kPartWork = 1e6;

// Scratch memory as it is handed out, in pieces that begin at vectors.
class Pieces {
 public:
  explicit Pieces(uint8_t* base) : base_(reinterpret_cast<uintptr_t>(base)) {}
  template <typename T>
  T* take(size_t count) {
    T* piece = reinterpret_cast<T*>(base_ + used_);
    used_ += roundUp(count * sizeof(T), kTensorAlignment);
    return piece;
  }
  size_t used() const { return used_; }

 private:
  uintptr_t base_;
  size_t used_ = 0;
};

struct Scratch {
  size_t *lengths, *row;
  const float** state;
  float *gates, *spare, *panels[2];
};

}  // namespace

Status RecurrentWeights::take(const PrepareContext& context, const TensorInfo& r, size_t first,
                              size_t rows) {
  r_ = r;
  first_ = first;
  depth_ = static_cast<size_t>(r.dims[2]);
  const FloatDotKernel* forced = context.forced.in(findFloatDot);
  OCTAVO_RETURN_IF_ERROR(checkFloatKernel(forced, FloatDotElement::kFloat32));
  layout_ = layoutFloatPanels(context.isa, FloatDotElement::kFloat32, rows, depth_, forced);
  const auto weight = context.weight<float>(r);
  if (!weight) return {};
  const auto pack = [&] {
    AlignedBuffer packed(layout_.weightCount * sizeof(float), Pages::kShared);
    packAnyPanels(layout_, sizeof(float), weight.data() + first * depth_, depth_, 1, packed.data());
    return packed;
  };
  const std::string form = layout_.form(1, FloatForm::kByColumn) + " from " + std::to_string(first);
  packed_ = context.packs.get(r, form, pack);
  return {};
}

const float* RecurrentWeights::panels(const RunContext& context, float* scratch) const {
  if (packed_ != nullptr) return reinterpret_cast<const float*>(packed_->data());
  packAnyPanels(layout_, sizeof(float), context.in<float>(r_) + first_ * depth_, depth_, 1,
                scratch);
  return scratch;
}

void RecurrentWeights::multiply(Team& team, const float* const* a, size_t rows, const float* bias,
                                const float* panels, float* y, size_t stride) const {
  const size_t count = layout_.panels.size();
  const double work = static_cast<double>(rows + 4) * static_cast<double>(depth_) *
                      static_cast<double>(layout_.columns);
  const auto parts =
      static_cast<size_t>(std::clamp(work / kPartWork, 1.0, static_cast<double>(count)));
  FloatStrip strip{};
  strip.a = a;
  strip.rows = rows;
  strip.bias = bias;
  strip.continues = bias == nullptr;
  strip.y = y;
  strip.yStride = stride;
  strip.lower = -INFINITY;
  strip.upper = INFINITY;
  team.forEach(parts, [&](size_t part, size_t) {
    forEachDepthBlock(1, depth_, [&](const DepthBlock& block) {
      for (size_t i = count * part / parts; i < count * (part + 1) / parts; ++i) {
        const FloatPanel& panel = layout_.panels[i];
        const auto width = static_cast<size_t>(panel.kernel->columns);
        addBlock(strip, panel, block, panels + panel.weights + block.begin * width);
      }
    });
  });
}

void CellFunction::operator()(const float* x, float* y, size_t count) const {
  UnaryArgs call = args;
  call.y = y;
  call.count = count;
  call.x = x;
  if (clip < INFINITY) {
    kernel->run({UnaryKind::kClip, -clip, clip, x, y, count});
    call.x = y;
  }
  kernel->run(call);
}

Status RecurrentStep::takeFunction(const PrepareContext& context, int32_t kind, float alpha,
                                   float beta, CellFunction* function) const {
  if (kind < 0 || kind >= static_cast<int32_t>(UnaryKind::kCount)) {
    return badStep("no such kind of function");
  }
  function->kernel = &chooseUnary(context.isa);
  function->args.kind = static_cast<UnaryKind>(kind);
  function->args.alpha = alpha;
  function->args.beta = beta;
  function->clip = clip;
  return {};
}

Status RecurrentStep::take(const StepView& step, const PrepareContext&, size_t gates) {
  const TensorInfo *x = inputAt(step, 0), *r = inputAt(step, 1), *givenBias = inputAt(step, 2),
                   *first = inputAt(step, 3), *lengths = inputAt(step, 4), *out = outputAt(step, 0),
                   *last = outputAt(step, 1);
  if (!isType(x, {DataType::kFloat32}) || !isType(r, {DataType::kFloat32}) ||
      !isType(out, {DataType::kFloat32}) || !isType(last, {DataType::kFloat32}) || x->rank != 3 ||
      r->rank != 3 || out->rank != 4 || last->rank != 3) {
    return badStep("x [T, B, G H], r [1, G H, H], y [T, 1, B, H] and h [1, B, H] must be float32");
  }
  const int64_t steps = x->dims[0], batch = x->dims[1], width = x->dims[2], hidden = r->dims[2];
  if (hidden < 1 || r->dims[0] != 1 || r->dims[1] != width || width % hidden != 0 ||
      width / hidden != static_cast<int64_t>(gates)) {
    return badStep("the gates of x and r disagree");
  }
  if (out->dims[0] != steps || out->dims[1] != 1 || out->dims[2] != batch ||
      out->dims[3] != hidden || last->dims[0] != 1 || last->dims[1] != batch ||
      last->dims[2] != hidden) {
    return badStep("y or h does not fit x and r");
  }
  if (!isStateOf(givenBias, width) || !isStateOf(first, batch * hidden)) {
    return badStep("the bias or the first h is of another size");
  }
  if (lengths != nullptr && (lengths->type != DataType::kInt32 || lengths->count != batch)) {
    return badStep("lengths must be int32, one for each row");
  }
  if (!(clip >= 0)) return badStep("clip must not be negative");
  x_ = *x;
  y = *out;
  h = *last;
  hasBias = givenBias != nullptr;
  if (hasBias) bias = *givenBias;
  hasFirst_ = first != nullptr;
  if (hasFirst_) first_ = *first;
  hasLengths_ = lengths != nullptr;
  if (hasLengths_) lengths_ = *lengths;
  steps_ = static_cast<size_t>(steps);
  batch_ = static_cast<size_t>(batch);
  width_ = static_cast<size_t>(width);
  hidden_ = static_cast<size_t>(hidden);
  return {};
}

namespace {

Scratch cut(Pieces& pieces, size_t batch, size_t width, size_t spare, const size_t (&panels)[2]) {
  Scratch scratch{};
  scratch.lengths = pieces.take<size_t>(batch);
  scratch.row = pieces.take<size_t>(batch);
  scratch.state = pieces.take<const float*>(2 * batch);
  scratch.gates = pieces.take<float>(batch * width);
  scratch.spare = pieces.take<float>(batch * spare);
  for (int i = 0; i < 2; ++i) scratch.panels[i] = pieces.take<float>(panels[i]);
  return scratch;
}

}  // namespace

size_t RecurrentStep::scratchBytes() const {
  Pieces pieces(nullptr);
  cut(pieces, batch_, width_, spare, {weights[0].scratchCount(), weights[1].scratchCount()});
  return pieces.used();
}

void RecurrentStep::addBias(const TimeStep& step, size_t count) const {
  const float* offsets = biasOf(step.context, 0);
  if (offsets == nullptr) return;
  for (size_t i = 0; i < step.rows; ++i) {
    for (size_t j = 0; j < count; ++j) step.gates[i * width_ + j] += offsets[j];
  }
}

void RecurrentStep::fill(const RunContext& context, const TensorInfo* from, const TensorInfo& to) {
  if (to.bytes == 0) return;
  if (from == nullptr) std::memset(context.out<float>(to), 0, to.bytes);
  if (from != nullptr) std::memcpy(context.out<float>(to), context.in<float>(*from), to.bytes);
}

bool RecurrentStep::lengthsOf(const RunContext& context, size_t* lengths) const {
  std::fill(lengths, lengths + batch_, steps_);
  if (!hasLengths_) return true;
  const int32_t* given = context.in<int32_t>(lengths_);
  for (size_t b = 0; b < batch_; ++b) {
    lengths[b] = static_cast<size_t>(given[b]);
    if (given[b] >= 0 && lengths[b] <= steps_) continue;
    context.fault.raise("INVALID_INPUT", "length out of range; expected 0 to " +
                                             std::to_string(steps_) + ", found " +
                                             std::to_string(given[b]));
    return false;
  }
  return true;
}

void RecurrentStep::run(const RunContext& context) const {
  if (h.count == 0) return;
  Pieces pieces(context.scratchOf(0));
  const Scratch scratch =
      cut(pieces, batch_, width_, spare, {weights[0].scratchCount(), weights[1].scratchCount()});
  if (!lengthsOf(context, scratch.lengths)) return;
  const float* panels[2] = {};
  for (size_t i = 0; i < parts; ++i) panels[i] = weights[i].panels(context, scratch.panels[i]);
  fill(context, hasFirst_ ? &first_ : nullptr, h);
  begin(context);
  if (hasLengths_ && y.bytes > 0) std::memset(context.out<float>(y), 0, y.bytes);
  const float* x = context.in<float>(x_);
  float* state = context.out<float>(h);
  const auto timeOf = [&](size_t b, size_t s) { return reverse ? scratch.lengths[b] - 1 - s : s; };
  for (size_t s = 0; s < steps_; ++s) {
    size_t rows = 0;
    for (size_t b = 0; b < batch_; ++b) {
      if (s >= scratch.lengths[b]) continue;
      std::memcpy(scratch.gates + rows * width_, x + (timeOf(b, s) * batch_ + b) * width_,
                  width_ * sizeof(float));
      scratch.row[rows] = b;
      scratch.state[rows++] = state + b * hidden_;
    }
    if (rows == 0) break;
    advance({rows, scratch.row, scratch.state, scratch.gates, scratch.spare, scratch.state + batch_,
             panels, context});
    for (size_t i = 0; i < rows; ++i) {
      const size_t b = scratch.row[i];
      std::memcpy(context.out<float>(y) + (timeOf(b, s) * batch_ + b) * hidden_,
                  state + b * hidden_, hidden_ * sizeof(float));
    }
  }
}

}  // namespace octavo
