// AveragePool: averages over windows of a float32 channels-last image. Padding counts, as zeros, if
// countIncludePad; a window on padding alone averages to 0.
#include "native/kernels/f32pool/f32pool.h"
#include "native/ops/check.h"
#include "native/ops/parts.h"
#include "native/ops/window.h"

namespace octavo {
namespace {

constexpr size_t kGrain = 32 << 10;

class AveragePoolStep final : public PreparedStep {
 public:
  TensorInfo x, y;
  Window window{};
  bool countIncludePad = false;
  const AveragePoolKernel* kernel = nullptr;

  void run(const RunContext& context) const override {
    if (y.count == 0) return;
    const auto cells =
        std::min(window.h.kernel, window.h.input) * std::min(window.w.kernel, window.w.input);
    const auto work = static_cast<size_t>(cells * window.channels);
    const auto rows = static_cast<size_t>(window.batch * window.h.output);
    const auto width = static_cast<size_t>(window.w.output);
    forEachPart(context.team, rows * width, kGrain / std::max<size_t>(work, 1), 1,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t pixel = begin; pixel < end; ++pixel) {
                    average(context, static_cast<int64_t>(pixel));
                  }
                });
  }

 private:
  void average(const RunContext& context, int64_t pixel) const {
    const WindowAxis &h = window.h, &w = window.w;
    const int64_t channels = window.channels;
    const int64_t ow = pixel % w.output, row = pixel / w.output;
    const int64_t oh = row % h.output, image = row / h.output;
    const int64_t firstRow = h.firstCell(oh), endRow = h.endCell(oh);
    const int64_t firstCell = w.firstCell(ow), endCell = w.endCell(ow);
    const int64_t inside = (endRow - firstRow) * (endCell - firstCell);
    float* to = context.out<float>(y) + pixel * channels;
    if (inside == 0) {
      std::fill_n(to, channels, 0.0f);
      return;
    }
    const int64_t ih = image * h.input + h.origin(oh) + firstRow * h.dilation;
    const int64_t iw = w.origin(ow) + firstCell * w.dilation;
    AveragePoolArgs args{};
    args.x = context.in<float>(x) + (ih * w.input + iw) * channels;
    args.rows = static_cast<size_t>(endRow - firstRow);
    args.rowStride = static_cast<size_t>(h.dilation * w.input * channels);
    args.cells = static_cast<size_t>(endCell - firstCell);
    args.cellStride = static_cast<size_t>(w.dilation * channels);
    args.channels = static_cast<size_t>(channels);
    args.divisor = static_cast<float>(countIncludePad ? window.cells() : inside);
    args.y = to;
    kernel->run(args);
  }
};

}  // namespace

Status prepareAveragePool(const StepView& step, const PrepareContext& context,
                          std::unique_ptr<PreparedStep>* prepared) {
  const TensorInfo *x = inputAt(step, 0), *y = outputAt(step, 0);
  const auto& params = step.as<AveragePoolParams>();
  if (!isType(x, {DataType::kFloat32}) || !isType(y, {DataType::kFloat32})) {
    return badStep("x and y must be float32");
  }
  auto pool = std::make_unique<AveragePoolStep>();
  OCTAVO_RETURN_IF_ERROR(makeWindow(params, params.kernelH, params.kernelW, *x, *y, &pool->window));
  if (x->dims[3] != y->dims[3]) return badStep("x and y must have the same channels");
  pool->x = *x;
  pool->y = *y;
  pool->countIncludePad = params.countIncludePad == 1;
  pool->kernel = &chooseAveragePool(context.isa);
  *prepared = std::move(pool);
  return {};
}

}  // namespace octavo
