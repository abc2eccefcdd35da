// Attention: softmax(scale · q · kᵀ + mask) · v, head by head. A part of the work is a head of one
// batch and a group of its queries. Keys and values of the head are packed into panels first; then
// strips of queries pass both products, so that scores stay in the nearest caches.
#include <cmath>
#include <cstring>

#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/kernels/f32rows/f32rows.h"
#include "native/ops/check.h"
#include "native/ops/f32product.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

// Queries of a strip are a multiple of this, which all register tiles divide or nearly so; so many
// scores at most, if more than one unit of them fits.
constexpr size_t kRowUnit = 24;
constexpr size_t kStripScores = 8 << 10;
// Multiplications worth handing to another thread, and queries worth packing a head for.
constexpr double kPartWork = 1e6;
constexpr size_t kFewestRows = 2 * kRowUnit;

constexpr float kNone = INFINITY;

class AttentionStep final : public PreparedStep {
 public:
  TensorInfo q, k, v, mask, y;
  bool hasMask = false;
  int64_t maskStrides[kMaxRank] = {};  // of batch, head, query and key
  size_t batches = 0, heads = 1, queries = 0, keys = 0;
  size_t depth = 0, width = 0;  // of a head of q and k, and of v
  float scale = 1;
  FloatPanelLayout keyPanels, valuePanels;
  const BinaryKernel* product = nullptr;
  const RowsKernel* rowsKernel = nullptr;
  size_t group = 0, groups = 0, strip = 0;

  void cut();
  size_t scratchBytes() const override {
    return pointerBytes() + keyBytes() + valueBytes() + strip * keys * sizeof(float) + kTensorSlack;
  }
  void run(const RunContext& context) const override;

 private:
  size_t pointerBytes() const { return roundUp(strip * sizeof(void*), kTensorAlignment); }
  size_t keyBytes() const { return keyPanels.weightCount * sizeof(float); }
  size_t valueBytes() const { return valuePanels.weightCount * sizeof(float); }
  void runPart(const RunContext& context, size_t part, uint8_t* scratch) const;
  void packHead(const RunContext& context, size_t batch, size_t head, float* keyPack,
                float* valuePack) const;
};

// All blocks of depth of one strip, through all panels.
void multiply(const FloatStrip& strip, const FloatPanelLayout& layout, const float* packed) {
  forEachDepthBlock(1, layout.depth, [&](const DepthBlock& block) {
    for (const FloatPanel& panel : layout.panels) {
      const auto columns = static_cast<size_t>(panel.kernel->columns);
      addBlock(strip, panel, block, packed + panel.weights + block.begin * columns);
    }
  });
}

void AttentionStep::cut() {
  const size_t matrices = batches * heads;
  const double work = static_cast<double>(matrices) * static_cast<double>(queries) *
                      static_cast<double>(keys) * static_cast<double>(depth + width);
  const auto parts =
      static_cast<size_t>(std::clamp(work / kPartWork, 1.0, static_cast<double>(kMostParts)));
  const size_t each = divideUp(parts, matrices);
  group = std::max(roundUp(divideUp(queries, each), kRowUnit), kFewestRows);
  group = std::min(group, queries);
  groups = divideUp(queries, group);
  const size_t units = kStripScores / std::max<size_t>(keys, 1) / kRowUnit;
  strip = std::min(std::max<size_t>(units, 1) * kRowUnit, group);
}

void AttentionStep::run(const RunContext& context) const {
  if (y.count == 0) return;
  if (keys == 0) {
    std::memset(context.out<float>(y), 0, static_cast<size_t>(y.count) * sizeof(float));
    return;
  }
  context.team.forEach(batches * heads * groups, [&](size_t part, size_t worker) {
    runPart(context, part, context.scratchOf(worker));
  });
}

void AttentionStep::packHead(const RunContext& context, size_t batch, size_t head, float* keyPack,
                             float* valuePack) const {
  const float* key = context.in<float>(k) + (batch * keys * heads + head) * depth;
  const float* value = context.in<float>(v) + (batch * keys * heads + head) * width;
  for (const FloatPanel& panel : keyPanels.panels) {
    float* to = keyPack + panel.weights;
    packFloatPanel(panel, {key, heads * depth, 1}, 0, depth, to);
    const size_t count = depth * static_cast<size_t>(panel.kernel->columns);
    product->run({BinaryKind::kMul, BinaryForm::kLeft, to, &scale, to, count});
  }
  for (const FloatPanel& panel : valuePanels.panels) {
    packFloatPanel(panel, {value, 1, heads * width}, 0, keys, valuePack + panel.weights);
  }
}

// Scores begin with the mask of their rows.
void spreadRows(const float* from, int64_t rowStride, int64_t stride, size_t rows, size_t length,
                float* to) {
  for (size_t row = 0; row < rows; ++row, from += rowStride, to += length) {
    if (stride == 1) {
      std::memcpy(to, from, length * sizeof(float));
    } else {
      std::fill(to, to + length, *from);
    }
  }
}

void AttentionStep::runPart(const RunContext& context, size_t part, uint8_t* scratch) const {
  const size_t matrix = part / groups, batch = matrix / heads, head = matrix % heads;
  const size_t begin = part % groups * group, end = std::min(queries, begin + group);
  auto* pointers = reinterpret_cast<const float**>(scratch);
  auto* keyPack = reinterpret_cast<float*>(scratch + pointerBytes());
  float* valuePack = keyPack + keyPanels.weightCount;
  float* scores = valuePack + valuePanels.weightCount;
  packHead(context, batch, head, keyPack, valuePack);

  FloatStrip to{};
  to.a = pointers;
  to.lower = -kNone;
  to.upper = kNone;
  const float* maskHead = nullptr;
  if (hasMask) {
    maskHead = context.in<float>(mask) + static_cast<int64_t>(batch) * maskStrides[0] +
               static_cast<int64_t>(head) * maskStrides[1];
  }
  // One mask for all queries is what a bias is.
  const bool oneRow = hasMask && maskStrides[2] == 0 && maskStrides[3] == 1;
  for (size_t first = begin; first < end; first += strip) {
    const size_t count = std::min(strip, end - first);
    const size_t row = batch * queries + first;
    for (size_t i = 0; i < count; ++i) {
      pointers[i] = context.in<float>(q) + ((row + i) * heads + head) * depth;
    }
    to.rows = count;
    to.bias = oneRow ? maskHead : nullptr;
    to.continues = hasMask && !oneRow;
    to.y = scores;
    to.yStride = keys;
    if (to.continues) {
      spreadRows(maskHead + static_cast<int64_t>(first) * maskStrides[2], maskStrides[2],
                 maskStrides[3], count, keys, scores);
    }
    multiply(to, keyPanels, keyPack);
    rowsKernel->softmax({scores, scores, count, keys});
    for (size_t i = 0; i < count; ++i) pointers[i] = scores + i * keys;
    to.bias = nullptr;
    to.continues = false;
    to.y = context.out<float>(y) + (row * heads + head) * width;
    to.yStride = heads * width;
    multiply(to, valuePanels, valuePack);
  }
}

Status takeMask(const TensorInfo* mask, AttentionStep* step) {
  if (mask == nullptr) return {};
  TensorInfo scores{};
  scores.rank = 4;
  const size_t dims[] = {step->batches, step->heads, step->queries, step->keys};
  for (int axis = 0; axis < 4; ++axis) scores.dims[axis] = static_cast<int64_t>(dims[axis]);
  if (mask->type != DataType::kFloat32 || !broadcastStrides(*mask, scores, step->maskStrides)) {
    return badStep("mask must be float32 and broadcast to [B, heads, Q, K]");
  }
  step->mask = *mask;
  step->hasMask = true;
  return {};
}

}  // namespace

Status prepareAttention(const StepView& step, const PrepareContext& context,
                        std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *q = inputAt(step, 0), *k = inputAt(step, 1), *v = inputAt(step, 2),
                   *y = outputAt(step, 0);
  for (const TensorInfo* tensor : {q, k, v, y}) {
    if (!isType(tensor, {DataType::kFloat32}) || tensor->rank != 3) {
      return badStep("q, k, v and y must be float32 of rank 3");
    }
  }
  const auto& params = step.as<AttentionParams>();
  const int64_t heads = params.heads;
  if (heads < 1 || q->dims[2] < 1 || v->dims[2] < 1 || q->dims[2] % heads != 0 ||
      v->dims[2] % heads != 0) {
    return badStep("heads must divide the last axes, none of which is empty");
  }
  if (k->dims[2] != q->dims[2] || v->dims[1] != k->dims[1] || y->dims[1] != q->dims[1] ||
      y->dims[2] != v->dims[2] || k->dims[0] != q->dims[0] || v->dims[0] != q->dims[0] ||
      y->dims[0] != q->dims[0]) {
    return badStep("q [B, Q, N], k [B, K, N], v [B, K, M] and y [B, Q, M] disagree");
  }
  auto attention = std::make_unique<AttentionStep>();
  attention->q = *q;
  attention->k = *k;
  attention->v = *v;
  attention->y = *y;
  attention->batches = static_cast<size_t>(q->dims[0]);
  attention->heads = static_cast<size_t>(heads);
  attention->queries = static_cast<size_t>(q->dims[1]);
  attention->keys = static_cast<size_t>(k->dims[1]);
  attention->depth = static_cast<size_t>(q->dims[2] / heads);
  attention->width = static_cast<size_t>(v->dims[2] / heads);
  attention->scale = params.scale;
  OCTAVO_RETURN_IF_ERROR(takeMask(inputAt(step, 3), attention.get()));

  const FloatDotKernel* forced = context.forced.in(findFloatDot);
  constexpr auto kElement = FloatDotElement::kFloat32;
  OCTAVO_RETURN_IF_ERROR(checkFloatKernel(forced, kElement));
  attention->keyPanels =
      layoutFloatPanels(context.isa, kElement, attention->keys, attention->depth, forced);
  attention->valuePanels =
      layoutFloatPanels(context.isa, kElement, attention->width, attention->keys, forced);
  attention->product = &chooseBinary(context.isa);
  attention->rowsKernel = &chooseRows(context.isa);
  if (y->count > 0) attention->cut();
  *prepared = std::move(attention);
  return {};
}

}  // namespace octavo
