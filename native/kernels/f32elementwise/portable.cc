// Plain C++, for any CPU, and the specification of the family: one element at a time, functions
// without a correctly rounded form in double.
#include <math.h>

#include "native/kernels/f32elementwise/f32elementwise.h"
#include "native/kernels/scalar.h"

namespace octavo {
namespace {

template <typename Function>
void map(const UnaryArgs& args, Function function) {
  for (size_t i = 0; i < args.count; ++i) args.y[i] = function(args.x[i]);
}

template <typename Function>
void mapDouble(const UnaryArgs& args, Function function) {
  for (size_t i = 0; i < args.count; ++i) {
    args.y[i] = static_cast<float>(function(static_cast<double>(args.x[i])));
  }
}

template <typename Function>
void combine(const BinaryArgs& args, Function function) {
  const size_t aStep = args.form != BinaryForm::kRight, bStep = args.form != BinaryForm::kLeft;
  for (size_t i = 0; i < args.count; ++i) {
    args.y[i] = function(args.a[i * aStep], args.b[i * bStep]);
  }
}

}  // namespace

void unary_f32_portable(const UnaryArgs& args) {
  const float alpha = args.alpha, beta = args.beta;
  switch (args.kind) {
    case UnaryKind::kClip:
      return map(args, [=](float x) { return boundFloat(x, alpha, beta); });
    case UnaryKind::kLeakyRelu:
      return map(args, [=](float x) { return x < 0 ? alpha * x : x; });
    case UnaryKind::kSigmoid:
      return mapDouble(args, [](double x) { return 1 / (1 + exp(-x)); });
    case UnaryKind::kHardSigmoid:
      return map(args, [=](float x) { return boundFloat(alpha * x + beta, 0, 1); });
    case UnaryKind::kHardSwish:
      return map(args, [](float x) { return x * (boundFloat(x + 3, 0, 6) * (1.0f / 6)); });
    case UnaryKind::kTanh:
      return mapDouble(args, [](double x) { return tanh(x); });
    case UnaryKind::kExp:
      return mapDouble(args, [](double x) { return exp(x); });
    case UnaryKind::kLog:
      return mapDouble(args, [](double x) { return log(x); });
    case UnaryKind::kSqrt:
      return map(args, [](float x) { return sqrtf(x); });
    case UnaryKind::kNeg:
      return map(args, [](float x) { return -x; });
    case UnaryKind::kAbs:
      return map(args, [](float x) { return fabsf(x); });
    case UnaryKind::kReciprocal:
      return map(args, [](float x) { return 1 / x; });
    case UnaryKind::kErf:
      return mapDouble(args, [](double x) { return erf(x); });
    case UnaryKind::kFloor:
      return map(args, [](float x) { return floorf(x); });
    case UnaryKind::kCeil:
      return map(args, [](float x) { return ceilf(x); });
    case UnaryKind::kRound:
      // Beyond 2^22 every float32 is an integer or a half, and so is left to the library.
      return map(args, [](float x) { return fabsf(x) < 4194304 ? roundSmall(x) : rintf(x); });
    case UnaryKind::kElu:
      return mapDouble(args, [=](double x) { return x < 0 ? alpha * expm1(x) : x; });
    case UnaryKind::kSoftplus:
      return mapDouble(args, [](double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); });
    case UnaryKind::kGelu:
      return mapDouble(args, [](double x) { return x / 2 * (1 + erf(x * 0.70710678118654752)); });
    case UnaryKind::kGeluTanh:
      return mapDouble(args, [](double x) {
        return x / 2 * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
      });
    case UnaryKind::kSin:
      return mapDouble(args, [](double x) { return sin(x); });
    case UnaryKind::kCos:
      return mapDouble(args, [](double x) { return cos(x); });
    case UnaryKind::kTan:
      return mapDouble(args, [](double x) { return tan(x); });
    case UnaryKind::kAsin:
      return mapDouble(args, [](double x) { return asin(x); });
    case UnaryKind::kAcos:
      return mapDouble(args, [](double x) { return acos(x); });
    case UnaryKind::kAtan:
      return mapDouble(args, [](double x) { return atan(x); });
    case UnaryKind::kSinh:
      return mapDouble(args, [](double x) { return sinh(x); });
    case UnaryKind::kCosh:
      return mapDouble(args, [](double x) { return cosh(x); });
    case UnaryKind::kAsinh:
      return mapDouble(args, [](double x) { return asinh(x); });
    case UnaryKind::kAcosh:
      return mapDouble(args, [](double x) { return acosh(x); });
    case UnaryKind::kAtanh:
      return mapDouble(args, [](double x) { return atanh(x); });
    case UnaryKind::kSign:
      return map(args, [](float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; });
    case UnaryKind::kSoftsign:
      return mapDouble(args, [](double x) { return x / (1 + fabs(x)); });
    case UnaryKind::kThresholdedRelu:
      return map(args, [=](float x) { return x <= alpha ? 0.0f : x; });
    case UnaryKind::kAffine:
      return mapDouble(args, [=](double x) { return alpha * x + beta; });
    case UnaryKind::kScaledTanh:
      return mapDouble(args, [=](double x) { return alpha * tanh(beta * x); });
    case UnaryKind::kCount:
      break;
  }
}

void binary_f32_portable(const BinaryArgs& args) {
  switch (args.kind) {
    case BinaryKind::kAdd:
      return combine(args, [](float a, float b) { return a + b; });
    case BinaryKind::kSub:
      return combine(args, [](float a, float b) { return a - b; });
    case BinaryKind::kMul:
      return combine(args, [](float a, float b) { return a * b; });
    case BinaryKind::kDiv:
      return combine(args, [](float a, float b) { return a / b; });
    case BinaryKind::kPow:
      return combine(args, [](float a, float b) {
        return static_cast<float>(pow(static_cast<double>(a), static_cast<double>(b)));
      });
    case BinaryKind::kMin:
      return combine(args, [](float a, float b) { return a < b || a != a ? a : b; });
    case BinaryKind::kMax:
      return combine(args, [](float a, float b) { return a > b || a != a ? a : b; });
    case BinaryKind::kCount:
      break;
  }
}

}  // namespace octavo
