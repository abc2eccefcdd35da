// MatMul: stacks of float32 matrices. b is packed into panels, once if it is constant and otherwise
// block by block while it is used. A part of the work is a matrix of the stack, a strip of its rows
// and a share of the panels. Where both are bfloat16, kernels of pairs multiply them as they are;
// without such kernels both are widened, block by block.
#include <cmath>
#include <cstring>

#include "native/kernels/transpose/transpose.h"
#include "native/ops/check.h"
#include "native/ops/f32product.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

constexpr size_t kMostRows = 192;  // of a strip
// Rows that are few, and the depth of a piece of weights that are widened for them.
constexpr size_t kFewRows = 8;
constexpr size_t kHalfDepth = 128;

// Where the values that the sums begin with come from.
enum class Start { kZero, kRow, kSpread };

class MatMulStep final : public PreparedStep {
 public:
  TensorInfo a, b, bias, y;
  bool transposeA = false, transposeB = false;
  Start start = Start::kZero;
  Walk<2> stack;     // where matrices begin in a and b
  Walk<1> biasWalk;  // the bias spread over y
  // `inner`: elements that a row and a column share; `depth`: what kernels count, these or pairs.
  size_t matrices = 1, rows = 0, inner = 0, depth = 0, columns = 0;
  bool pairs = false;
  const WidenKernel* widenA = nullptr;  // a is bfloat16 and has to be float32
  FloatPanelLayout layout;
  FloatWeights weights;     // packed, if b is constant
  size_t packedMatrix = 0;  // elements from one packed matrix to the next
  float lower = 0, upper = 0;
  size_t strip = 0, strips = 0, panelParts = 0;

  void cut();
  size_t scratchBytes() const override { return pointerBytes() + stagedBytes() + packedBytes(); }
  void run(const RunContext& context) const override;

 private:
  size_t pointerBytes() const { return roundUp(strip * sizeof(void*), kTensorAlignment); }
  // Whether kernels cannot read the rows of a where they lie. Those of half a pair would end, and
  // begin, in the midst of one.
  bool stages() const { return transposeA || widenA != nullptr || (pairs && inner % 2 != 0); }
  size_t stagedBytes() const { return stages() ? strip * kDepthBlock * sizeof(float) : 0; }
  size_t packedBytes() const {
    const bool read = weights.packed != nullptr && weights.widen == nullptr;
    return read ? 0 : kDepthBlock * kMostFloatColumns * sizeof(float);
  }
  void spreadBias(const RunContext& context) const;
  void runPart(const RunContext& context, size_t part, uint8_t* scratch) const;
  void pointRows(const uint8_t* matrix, size_t first, size_t count, const DepthBlock& block,
                 const float** pointers, float* staged) const;
  void stageRow(const uint16_t* row, const DepthBlock& block, float* staged) const;
};

void MatMulStep::cut() {
  // Reading a weight takes about as long as multiplying a few.
  const double work = static_cast<double>(matrices) * static_cast<double>(rows + 4) *
                      static_cast<double>(columns) * static_cast<double>(depth);
  const size_t parts = evenParts(work / kLeastFloatWork);
  const size_t each = divideUp(parts, std::max<size_t>(matrices, 1));
  // A panel is best used for all rows while it is at hand.
  panelParts = std::min(layout.panels.size(), each);
  strip = std::min(kMostRows, evenStrip(rows, divideUp(each, panelParts)));
  strips = divideUp(rows, strip);
}

void MatMulStep::run(const RunContext& context) const {
  if (y.count == 0) return;
  if (start == Start::kSpread) spreadBias(context);
  context.team.forEach(matrices * strips * panelParts, [&](size_t part, size_t worker) {
    runPart(context, part, context.scratchOf(worker));
  });
}

void MatMulStep::spreadBias(const RunContext& context) const {
  const float* from = context.in<float>(bias);
  float* to = context.out<float>(y);
  const auto count = static_cast<size_t>(y.count);
  forEachPart(context.team, count, kPartBytes / sizeof(float), 64,
              [&](size_t begin, size_t end, size_t) {
                biasWalk.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end),
                                    [&](int64_t at, int64_t length, const int64_t* offsets) {
                                      const int64_t stride = biasWalk.rowStride(0);
                                      for (int64_t i = 0; i < length; ++i) {
                                        to[at + i] = from[offsets[0] + i * stride];
                                      }
                                    });
              });
}

void MatMulStep::runPart(const RunContext& context, size_t part, uint8_t* scratch) const {
  const size_t row = part % strips * strip, share = part / strips % panelParts;
  const size_t matrix = part / panelParts / strips;
  int64_t offsets[2];
  stack.offsetsOf(static_cast<int64_t>(matrix), offsets);
  const size_t elementBytes = a.type == DataType::kFloat32 ? sizeof(float) : sizeof(uint16_t);
  const uint8_t* left = context.in<uint8_t>(a) + static_cast<size_t>(offsets[0]) * elementBytes;
  const float* right = weights.packed == nullptr ? context.in<float>(b) + offsets[1] : nullptr;
  auto* pointers = reinterpret_cast<const float**>(scratch);
  auto* staged = reinterpret_cast<float*>(scratch + pointerBytes());
  auto* panelPart = reinterpret_cast<float*>(scratch + pointerBytes() + stagedBytes());

  FloatStrip to{};
  to.a = pointers;
  to.rows = std::min(strip, rows - row);
  to.bias = start == Start::kRow ? context.in<float>(bias) : nullptr;
  to.continues = start == Start::kSpread;
  to.y = context.out<float>(y) + (matrix * rows + row) * columns;
  to.yStride = columns;
  to.lower = lower;
  to.upper = upper;
  const FloatMatrix unpacked{right, transposeB ? depth : 1, transposeB ? 1 : columns};
  const size_t begin = layout.panels.size() * share / panelParts;
  const size_t end = layout.panels.size() * (share + 1) / panelParts;
  // Where the weights of a panel begin at some depth.
  const auto weightsAt = [&](size_t i, size_t k) {
    const FloatPanel& panel = layout.panels[i];
    return static_cast<size_t>(offsets[1]) / (inner * columns) * packedMatrix + panel.weights +
           k * static_cast<size_t>(panel.kernel->columns);
  };
  forEachDepthBlock(1, depth, [&](const DepthBlock& block) {
    pointRows(left, row, to.rows, block, pointers, staged);
    DepthBlock local = block;
    local.offset = 0;
    for (size_t i = begin; i < end; ++i) {
      const FloatPanel& panel = layout.panels[i];
      if (weights.packed == nullptr) {
        packFloatPanel(panel, unpacked, block.begin, block.begin + block.depth, panelPart);
        addBlock(to, panel, local, panelPart);
        continue;
      }
      const auto width = static_cast<size_t>(panel.kernel->columns);
      const size_t at = weightsAt(i, block.begin);
      const float* next = weights.ahead(i + 1 < end ? weightsAt(i + 1, block.begin)
                                                    : weightsAt(begin, block.begin + block.depth));
      // What few rows pass is widened in pieces that stay in the first cache.
      const bool pieces = weights.widen != nullptr && to.rows <= kFewRows;
      const size_t piece = pieces ? std::min(kHalfDepth, block.depth) : block.depth;
      for (size_t k = 0; k < block.depth; k += piece) {
        DepthBlock part = local;
        part.offset = k;
        part.depth = std::min(piece, block.depth - k);
        part.first = block.first && k == 0;
        part.last = block.last && k + part.depth == block.depth;
        addBlock(to, panel, part, weights.at(at + k * width, part.depth * width, panelPart), next);
      }
    }
  });
}

// Rows of a for one block, from its first element on, where they lie or in staging memory.
void MatMulStep::pointRows(const uint8_t* matrix, size_t first, size_t count,
                           const DepthBlock& block, const float** pointers, float* staged) const {
  const auto* floats = reinterpret_cast<const float*>(matrix);  // or pairs
  for (size_t i = 0; i < count; ++i) {
    pointers[i] = stages() ? staged + i * block.depth : floats + (first + i) * depth + block.offset;
  }
  if (transposeA) {
    chooseTranspose(layout.panels[0].kernel->isa, sizeof(float))
        .run({floats + block.offset * rows + first, staged, rows, block.depth, block.depth, count});
  } else if (stages()) {
    const auto* halves = reinterpret_cast<const uint16_t*>(matrix) + first * inner;
    for (size_t i = 0; i < count; ++i) {
      stageRow(halves + i * inner, block, staged + i * block.depth);
    }
  }
}

// A block of a row of bfloat16: widened, or as pairs of which the last one may lack its second.
void MatMulStep::stageRow(const uint16_t* row, const DepthBlock& block, float* staged) const {
  if (widenA != nullptr) return widenA->run({row + block.offset, staged, block.depth});
  const size_t begin = 2 * block.offset, end = std::min(begin + 2 * block.depth, inner);
  staged[block.depth - 1] = 0;
  std::memcpy(staged, row + begin, (end - begin) * sizeof(uint16_t));
}

// Rows and columns of the last two axes, the other way round if transposed.
void takeMatrix(const TensorInfo& tensor, bool transposed, int64_t* rows, int64_t* columns) {
  *rows = tensor.dims[tensor.rank - (transposed ? 1 : 2)];
  *columns = tensor.dims[tensor.rank - (transposed ? 2 : 1)];
}

// The leading axes of a tensor, as a tensor of its own.
TensorInfo stackOf(const TensorInfo& tensor) {
  TensorInfo stack = tensor;
  stack.rank = tensor.rank - 2;
  stack.count = tensor.count == 0 ? 0 : 1;
  for (int axis = 0; axis < stack.rank; ++axis) stack.count *= tensor.dims[axis];
  return stack;
}

Status takeBias(const TensorInfo* bias, MatMulStep* step) {
  if (bias == nullptr) return {};
  int64_t strides[kMaxRank];
  if (bias->type != DataType::kFloat32 || !broadcastStrides(*bias, step->y, strides)) {
    return badStep("bias must be float32 and broadcast to y");
  }
  step->bias = *bias;
  const int last = step->y.rank - 1;
  bool row = strides[last] == 1 || step->columns == 1;
  for (int axis = 0; axis <= last; ++axis) {
    step->biasWalk.add(step->y.dims[axis], &strides[axis]);
    row = row && (axis == last || strides[axis] == 0);
  }
  step->start = row ? Start::kRow : Start::kSpread;
  return {};
}

}  // namespace

Status prepareMatMul(const StepView& step, const PrepareContext& context,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *a = inputAt(step, 0), *b = inputAt(step, 1), *y = outputAt(step, 0);
  const auto& params = step.as<MatMulParams>();
  if (!isType(a, {DataType::kFloat32, DataType::kBfloat16}) ||
      !isType(b, {DataType::kFloat32, DataType::kFloat16, DataType::kBfloat16}) ||
      !isType(y, {DataType::kFloat32}) || a->rank < 2 || b->rank < 2 || y->rank < 2) {
    return badStep("a, b and y must be float32 matrices or stacks of them, or b of a 16-bit float");
  }
  const bool isHalf = a->type == DataType::kBfloat16;
  if (isHalf && (b->type != DataType::kBfloat16 || params.transposeA == 1)) {
    return badStep("a of bfloat16 takes b of bfloat16 and is not transposed");
  }
  auto product = std::make_unique<MatMulStep>();
  product->a = *a;
  product->b = *b;
  product->y = *y;
  product->transposeA = params.transposeA == 1;
  product->transposeB = params.transposeB == 1;
  product->lower = params.lower;
  product->upper = params.upper;
  int64_t m, k, depth, n;
  takeMatrix(*a, product->transposeA, &m, &k);
  takeMatrix(*b, product->transposeB, &depth, &n);
  if (k != depth || y->dims[y->rank - 2] != m || y->dims[y->rank - 1] != n) {
    return badStep("a [M, K], b [K, N] and y [M, N] disagree");
  }
  product->rows = static_cast<size_t>(m);
  product->inner = static_cast<size_t>(k);
  product->columns = static_cast<size_t>(n);
  OCTAVO_RETURN_IF_ERROR(takeBias(inputAt(step, 2), product.get()));

  const TensorInfo leading = stackOf(*y);
  int64_t strides[2][kMaxRank];
  if (!broadcastStrides(stackOf(*a), leading, strides[0]) ||
      !broadcastStrides(stackOf(*b), leading, strides[1])) {
    return badStep("the stacks of a and b must broadcast to that of y");
  }
  for (int axis = 0; axis < leading.rank; ++axis) {
    const int64_t stride[] = {strides[0][axis] * m * k, strides[1][axis] * k * n};
    product->stack.add(leading.dims[axis], stride);
  }
  product->matrices = y->count == 0 ? 0 : static_cast<size_t>(leading.count);
  // One b for all of a: a single matrix of many rows.
  if (product->stack.rank == 1 && product->stack.strides[1][0] == 0 &&
      product->stack.strides[0][0] == m * k && !product->transposeA) {
    product->rows *= product->matrices;
    product->matrices = 1;
    product->stack = {};
  }

  const FloatDotKernel* forced = context.forced.in(findFloatDot);
  auto element = FloatDotElement::kFloat32;
  if (isHalf &&
      (forced == nullptr ? chooseFloatDot(context.isa, FloatDotElement::kBfloat16Pair, 1) != nullptr
                         : forced->element == FloatDotElement::kBfloat16Pair)) {
    element = FloatDotElement::kBfloat16Pair;
  }
  OCTAVO_RETURN_IF_ERROR(checkFloatKernel(forced, element));
  product->pairs = element == FloatDotElement::kBfloat16Pair;
  product->depth = product->pairs ? divideUp(product->inner, 2) : product->inner;
  if (isHalf && !product->pairs) product->widenA = chooseWiden(context.isa, a->type);
  product->layout =
      layoutFloatPanels(context.isa, element, product->columns, product->depth, forced);
  const auto weight = context.weight<uint8_t>(*b);
  if (!weight && b->type != DataType::kFloat32) {
    return badStep("b of a 16-bit float must be a constant");
  }
  if (!product->pairs) product->weights.widen = chooseWiden(context.isa, b->type);
  if (weight && y->count > 0 && k > 0) {
    const FloatPanelLayout& layout = product->layout;
    const size_t each = product->inner * product->columns;
    const size_t count = static_cast<size_t>(b->count) / each;
    const size_t storedBytes = b->type == DataType::kFloat32 ? 4 : 2;
    const size_t elementBytes = product->weights.widen == nullptr ? 4 : 2;
    const auto form = product->transposeB ? FloatForm::kByColumn : FloatForm::kByDepth;
    const auto pack = [&] {
      AlignedBuffer packed(count * layout.weightCount * elementBytes, Pages::kShared);
      const uint8_t* const data = weight.data();
      for (size_t i = 0; i < count; ++i) {
        const size_t columnStride = product->transposeB ? product->depth : 1;
        const size_t depthStride = product->transposeB ? 1 : product->columns;
        const uint8_t* from = data + i * each * storedBytes;
        AlignedBuffer paired;
        if (product->pairs) {
          paired = pairDepths(reinterpret_cast<const uint16_t*>(from), product->columns,
                              product->inner, form);
          from = paired.data();
        }
        uint8_t* to = packed.data() + i * layout.weightCount * elementBytes;
        packAnyPanels(layout, elementBytes, from, columnStride, depthStride, to);
      }
      return packed;
    };
    product->weights.packed = context.packs.get(*b, layout.form(count, form), pack);
    product->packedMatrix = layout.weightCount;
  }
  if (y->count > 0) product->cut();
  *prepared = std::move(product);
  return {};
}

}  // namespace octavo
