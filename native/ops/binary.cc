// Binary: a function of two float32 tensors that broadcast. Axes are merged until a row of the
// innermost one takes either a vector or one value from each operand, which is what kernels do.
#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 16 << 10;
// Vectors that are shorter than this and come again for every row are repeated up to it.
constexpr int64_t kShortRow = 64;
constexpr int64_t kRepeatedRow = 512;

class BinaryStep final : public PreparedStep {
 public:
  TensorInfo a, b, y;
  Walk<2> walk;
  int repeated = -1;  // the operand that is one short row, if any, for all rows of the other
  BinaryArgs base{};
  const BinaryKernel* kernel = nullptr;

  size_t scratchBytes() const override { return repeated < 0 ? 0 : kRepeatedRow * sizeof(float); }

  void run(const RunContext& context) const override {
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kGrain, 64, [&](size_t begin, size_t end, size_t worker) {
      const auto first = static_cast<int64_t>(begin), last = static_cast<int64_t>(end);
      if (repeated < 0) {
        combineRows(context, first, last);
      } else {
        auto* row = reinterpret_cast<float*>(context.scratchOf(worker));
        combineRepeated(context, first, last, row);
      }
    });
  }

 private:
  void combineRows(const RunContext& context, int64_t begin, int64_t end) const {
    const float *left = context.in<float>(a), *right = context.in<float>(b);
    float* to = context.out<float>(y);
    walk.forEachRow(begin, end, [&](int64_t at, int64_t length, const int64_t* offsets) {
      combine(left + offsets[0], right + offsets[1], to + at, length);
    });
  }

  void combineRepeated(const RunContext& context, int64_t begin, int64_t end, float* row) const {
    const float* of[] = {context.in<float>(a), context.in<float>(b)};
    const int64_t n = walk.rowLength(), whole = kRepeatedRow / n * n;
    for (int64_t i = 0; i < whole; ++i) row[i] = of[repeated][(begin + i) % n];
    for (int64_t at = begin; at < end; at += whole) {
      const float* other = of[1 - repeated] + at;
      const bool isLeft = repeated == 0;
      combine(isLeft ? row : other, isLeft ? other : row, context.out<float>(y) + at,
              std::min(whole, end - at));
    }
  }

  void combine(const float* left, const float* right, float* to, int64_t count) const {
    BinaryArgs args = base;
    args.a = left;
    args.b = right;
    args.y = to;
    args.count = static_cast<size_t>(count);
    kernel->run(args);
  }
};

// The operand of a walk over rows that stays at one row, of at most kShortRow, while the other goes
// on.
int repeatedOperand(const Walk<2>& walk) {
  if (walk.rank != 2 || walk.rowLength() > kShortRow) return -1;
  for (int i = 0; i < 2; ++i) {
    const bool stays = walk.strides[i][0] == 0 && walk.strides[i][1] == 1;
    if (stays && walk.strides[1 - i][1] == 1) return i;
  }
  return -1;
}

}  // namespace

Status prepareBinary(const StepView& step, const PrepareContext& context,
                     std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *a = inputAt(step, 0), *b = inputAt(step, 1), *y = outputAt(step, 0);
  const auto& params = step.as<BinaryParams>();
  if (!isType(a, {DataType::kFloat32}) || !isType(b, {DataType::kFloat32}) ||
      !isType(y, {DataType::kFloat32})) {
    return badStep("a, b and y must be float32");
  }
  if (params.kind < 0 || params.kind >= static_cast<int32_t>(BinaryKind::kCount)) {
    return badStep("no such kind of function");
  }
  int64_t strides[2][kMaxRank];
  if (!broadcastStrides(*a, *y, strides[0]) || !broadcastStrides(*b, *y, strides[1])) {
    return badStep("a and b must broadcast to the shape of y");
  }
  auto binary = std::make_unique<BinaryStep>();
  binary->a = *a;
  binary->b = *b;
  binary->y = *y;
  for (int axis = 0; axis < y->rank; ++axis) {
    const int64_t stride[] = {strides[0][axis], strides[1][axis]};
    if (y->dims[axis] > 1 && stride[0] == 0 && stride[1] == 0) {
      return badStep("y must have the shape that a and b broadcast to");
    }
    binary->walk.add(y->dims[axis], stride);
  }
  binary->base.kind = static_cast<BinaryKind>(params.kind);
  binary->base.form = binary->walk.rank == 0           ? BinaryForm::kBoth
                      : binary->walk.rowStride(0) == 0 ? BinaryForm::kRight
                      : binary->walk.rowStride(1) == 0 ? BinaryForm::kLeft
                                                       : BinaryForm::kBoth;
  if (y->count > 0) binary->repeated = repeatedOperand(binary->walk);
  binary->kernel = &chooseBinary(context.isa);
  *prepared = std::move(binary);
  return {};
}

}  // namespace octavo
