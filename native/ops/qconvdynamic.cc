// QConvDynamic: a QConv whose zero point and scales of x come from tensors. The kernels get tables
// of bias and multiplier that each run makes of them, a panel at a time, and the scales of rows.
#include "native/ops/qconv.h"

namespace octavo {
namespace {

// `zero`: where it is a constant.
Status takeZero(const StepView& step, const PrepareContext& context, QTerms* terms, int32_t* zero) {
  const TensorInfo* xZero = inputAt(step, 2);
  if (!isType(xZero, {DataType::kUint8}) || xZero->count != 1) {
    return badStep("xZero must be one uint8");
  }
  terms->present = true;
  terms->xZero = *xZero;
  const auto* constant = context.constant<uint8_t>(*xZero);
  terms->computesZero = constant == nullptr;
  if (constant != nullptr) *zero = *constant;
  return {};
}

Status takeTerms(const StepView& step, const PrepareContext& context, const QConvOperands& from,
                 QTerms* terms) {
  const bool perPixel = step.as<QConvDynamicParams>().perPixel != 0;
  const TensorInfo* xScale = inputAt(step, 5);
  if (xScale != nullptr) {
    const int64_t pixels = from.y->dims[0] * from.y->dims[1] * from.y->dims[2];
    terms->perPixel = perPixel;
    terms->scaled = !perPixel;
    const int64_t count = perPixel ? pixels : 1;
    if (xScale->type != DataType::kFloat32 || xScale->count != count) {
      return badStep("xScale must be one float32, or one for each pixel of y");
    }
    terms->xScale = *xScale;
  }
  OCTAVO_RETURN_IF_ERROR(
      takeColumns(step, context, 6, DataType::kFloat32, from.channels(), "bias", &terms->bias));
  const bool sums = from.y->type == DataType::kInt32;
  if (sums && (xScale != nullptr || terms->bias != nullptr)) {
    return badStep("an int32 result has neither scale nor bias");
  }
  return {};
}

}  // namespace

Status prepareQConvDynamic(const StepView& step, const PrepareContext& context,
                           std::unique_ptr<PreparedStep>* prepared) {
  const auto& own = step.as<QConvDynamicParams>();
  QConvOperands from{};
  OCTAVO_RETURN_IF_ERROR(takeQConvOperands(step, context, own.groups, &from));
  if (from.y->type == DataType::kUint8) return badStep("y must be int32 or float32");
  if (from.y->dims[3] != from.channels()) return badStep("y must have the output channels");
  QTerms terms;
  QConvParams params{};
  OCTAVO_RETURN_IF_ERROR(takeZero(step, context, &terms, &params.xZero));
  OCTAVO_RETURN_IF_ERROR(takeTerms(step, context, from, &terms));
  params.strideH = own.strideH;
  params.strideW = own.strideW;
  params.dilationH = own.dilationH;
  params.dilationW = own.dilationW;
  params.padTop = own.padTop;
  params.padLeft = own.padLeft;
  params.groups = own.groups;
  params.lower = own.lower;
  params.upper = own.upper;
  Window window{};
  OCTAVO_RETURN_IF_ERROR(
      makeWindow(params, from.weight->dims[1], from.weight->dims[2], *from.x, *from.y, &window));
  if (context.forced.in(findDot) == nullptr) {
    OCTAVO_RETURN_IF_ERROR(prepareQDepthwise(from, params, window, terms, context, prepared));
    if (*prepared != nullptr) return {};
  }
  return prepareQProduct(from, params, window, {}, terms, context, prepared);
}

}  // namespace octavo
