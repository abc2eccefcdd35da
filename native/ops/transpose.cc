// Transpose: y axis i is x axis perm[i]. Axes are merged; then either rows of y are rows of x, and
// are copied, or there is an axis of y along which x is contiguous: it and the innermost axis span
// planes that kernels transpose, tile by tile.
#include "native/kernels/transpose/transpose.h"

#include "native/ops/element.h"
#include "native/ops/parts.h"
#include "native/ops/walk.h"

namespace octavo {
namespace {

// Elements of a tile's side, and of a whole tile whose other side is short.
constexpr size_t kTileSide = 64;
constexpr size_t kTileElements = 4096;

class TransposeStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Walk<1> walk;           // copied rows
  Walk<2> planes;         // where planes begin in x and y
  TransposeArgs plane{};  // one whole plane; no columns: rows are copied
  const TransposeKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    kernel == nullptr ? copyRows(context) : transposePlanes(context);
  }

 private:
  void copyRows(const RunContext& context) const {
    const size_t bytes = elementBytes(y.type);
    const uint8_t* from = context.in<uint8_t>(x);
    uint8_t* to = context.out<uint8_t>(y);
    const auto count = static_cast<size_t>(y.count);
    forEachPart(context.team, count, kPartBytes / bytes, 64, [&](size_t begin, size_t end, size_t) {
      walk.forEachRow(static_cast<int64_t>(begin), static_cast<int64_t>(end),
                      [&](int64_t at, int64_t length, const int64_t* offsets) {
                        std::memcpy(to + static_cast<size_t>(at) * bytes,
                                    from + static_cast<size_t>(offsets[0]) * bytes,
                                    static_cast<size_t>(length) * bytes);
                      });
    });
  }

  void transposePlanes(const RunContext& context) const {
    const size_t bytes = kernel->bytes;
    const auto* from = context.in<uint8_t>(x);
    auto* to = context.out<uint8_t>(y);
    const size_t height = tileSide(plane.rows, plane.columns);
    const size_t width = tileSide(plane.columns, plane.rows);
    const size_t down = divideUp(plane.rows, height), across = divideUp(plane.columns, width);
    const size_t perPlane = down * across;
    const size_t count = static_cast<size_t>(y.count) / (plane.rows * plane.columns) * perPlane;
    const size_t grain = kPartBytes / bytes / (height * width);
    forEachPart(context.team, count, grain, 1, [&](size_t begin, size_t end, size_t) {
      for (size_t tile = begin; tile < end; ++tile) {
        int64_t at[2];
        planes.offsetsOf(static_cast<int64_t>(tile / perPlane), at);
        const size_t row = tile % perPlane / across * height;
        const size_t column = tile % perPlane % across * width;
        TransposeArgs args = plane;
        args.x = from + (static_cast<size_t>(at[0]) + row * plane.xStride + column) * bytes;
        args.y = to + (static_cast<size_t>(at[1]) + column * plane.yStride + row) * bytes;
        args.rows = std::min(height, plane.rows - row);
        args.columns = std::min(width, plane.columns - column);
        kernel->run(args);
      }
    });
  }

  static size_t tileSide(size_t side, size_t other) {
    return std::min(
        side, std::max(kTileSide, roundUp(kTileElements / std::min(other, kTileSide), kTileSide)));
  }
};

}  // namespace

Status prepareTranspose(const StepView& step, const PrepareContext& context,
                        std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x, *y;
  OCTAVO_RETURN_IF_ERROR(takeMoved(step, &x, &y));
  const auto& params = step.as<TransposeParams>();
  if (x->rank != y->rank) return badStep("x and y must be of one rank");
  auto transpose = std::make_unique<TransposeStep>();
  transpose->x = *x;
  transpose->y = *y;
  int64_t strides[kMaxRank];
  stridesOf(*x, strides);
  Walk<1>& walk = transpose->walk;
  unsigned taken = 0;
  for (int axis = 0; axis < y->rank; ++axis) {
    const int from = params.perm[axis];
    if (from < 0 || from >= x->rank || (taken >> from & 1) != 0 || x->dims[from] != y->dims[axis]) {
      return badStep("y must have the axes of x, permuted");
    }
    taken |= 1u << from;
    walk.add(y->dims[axis], &strides[from]);
  }
  if (y->count > 0 && walk.rank > 0 && walk.rowStride(0) != 1) {
    // Of a dense tensor of more than one element, some axis has stride 1.
    const int last = walk.rank - 1;
    int64_t inY[kMaxRank];
    inY[last] = 1;
    for (int axis = last - 1; axis >= 0; --axis) inY[axis] = inY[axis + 1] * walk.dims[axis + 1];
    for (int axis = 0; axis < last; ++axis) {
      if (walk.strides[0][axis] == 1) {
        transpose->plane.columns = static_cast<size_t>(walk.dims[axis]);
        transpose->plane.yStride = static_cast<size_t>(inY[axis]);
      } else {
        const int64_t stride[] = {walk.strides[0][axis], inY[axis]};
        transpose->planes.add(walk.dims[axis], stride);
      }
    }
    transpose->plane.rows = static_cast<size_t>(walk.dims[last]);
    transpose->plane.xStride = static_cast<size_t>(walk.rowStride(0));
    transpose->kernel = &chooseTranspose(context.isa, elementBytes(y->type));
  }
  *prepared = std::move(transpose);
  return {};
}

}  // namespace octavo
