// f32elementwise: the functions that the header calls exact to the bit, the others within a few
// units in the last place of what double gives.
#include "native/kernels/f32elementwise/f32elementwise.h"

#include <cmath>

#include "test/native/kernels/harness.h"

namespace octavo {

#define OCTAVO_UNARY(name, isa) void name(const UnaryArgs& args);
#define OCTAVO_BINARY(name, isa) void name(const BinaryArgs& args);
#include "native/kernels/f32elementwise/kernels.inc"
#undef OCTAVO_UNARY
#undef OCTAVO_BINARY

namespace test {
namespace {

constexpr double kInfinity = HUGE_VAL;

Guarded left("a", 1 << 15), right("b", 1 << 15);
Output output("y", 1 << 15);

// What is exact, and by how much a kernel may miss it.
struct Exact {
  double value, tolerance;
};

// A few units in the last place of a float32 of that magnitude.
double units(double magnitude) {
  return std::isfinite(magnitude) ? std::fmax(std::fabs(magnitude) * 0x1p-22, 0x1p-147) : 0;
}

Exact few(double value) { return {value, units(value)}; }
// Rounded once: the nearest float32 and no other.
Exact once(double value) { return {static_cast<double>(static_cast<float>(value)), 0}; }

double clamp(double x, double low, double high) {
  return std::isnan(x) ? x : std::fmin(std::fmax(x, low), high);
}

Exact unaryOf(UnaryKind kind, double x, double alpha, double beta) {
  switch (kind) {
    case UnaryKind::kClip:
      return once(clamp(x, alpha, beta));
    case UnaryKind::kLeakyRelu:
      return once(x < 0 ? alpha * x : x);
    case UnaryKind::kSigmoid:
      return few(1 / (1 + std::exp(-x)));
    case UnaryKind::kHardSigmoid: {
      const double line = alpha * x + beta;
      return {clamp(line, 0, 1), line < -1 || line > 2 ? 0 : units(std::fabs(alpha * x) + beta)};
    }
    case UnaryKind::kHardSwish:
      return {x * clamp(x + 3, 0, 6) / 6, units(x * 3)};
    case UnaryKind::kTanh:
      return few(std::tanh(x));
    case UnaryKind::kExp:
      return few(std::exp(x));
    case UnaryKind::kLog:
      return few(std::log(x));
    case UnaryKind::kSqrt:
      return once(std::sqrt(x));
    case UnaryKind::kNeg:
      return once(-x);
    case UnaryKind::kAbs:
      return once(std::fabs(x));
    case UnaryKind::kReciprocal:
      return once(1 / x);
    case UnaryKind::kErf:
      return few(std::erf(x));
    case UnaryKind::kFloor:
      return once(std::floor(x));
    case UnaryKind::kCeil:
      return once(std::ceil(x));
    case UnaryKind::kRound:
      return once(std::nearbyint(x));
    case UnaryKind::kElu:
      return few(x < 0 ? alpha * std::expm1(x) : x);
    case UnaryKind::kSoftplus:
      return few(std::fmax(x, 0) + (std::isnan(x) ? x : std::log1p(std::exp(-std::fabs(x)))));
    case UnaryKind::kGelu:
      return {x / 2 * (1 + std::erf(x * std::sqrt(0.5))), units(4 * x)};
    case UnaryKind::kGeluTanh:
      return {x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))),
              units(4 * x)};
    case UnaryKind::kSin:
      return few(std::sin(x));
    case UnaryKind::kCos:
      return few(std::cos(x));
    case UnaryKind::kTan:
      return few(std::tan(x));
    case UnaryKind::kAsin:
      return few(std::asin(x));
    case UnaryKind::kAcos:
      return few(std::acos(x));
    case UnaryKind::kAtan:
      return few(std::atan(x));
    case UnaryKind::kSinh:
      return few(std::sinh(x));
    case UnaryKind::kCosh:
      return few(std::cosh(x));
    case UnaryKind::kAsinh:
      return few(std::asinh(x));
    case UnaryKind::kAcosh:
      return few(std::acosh(x));
    case UnaryKind::kAtanh:
      return few(std::atanh(x));
    case UnaryKind::kSign:
      return once(x > 0 ? 1 : x < 0 ? -1 : x);
    case UnaryKind::kSoftsign:
      return few(x / (1 + std::fabs(x)));
    case UnaryKind::kThresholdedRelu:
      return once(x > alpha || std::isnan(x) ? x : 0);
    case UnaryKind::kAffine:
      return few(alpha * x + beta);
    case UnaryKind::kScaledTanh:
      return few(alpha * std::tanh(beta * x));
    case UnaryKind::kCount:
      break;
  }
  return {};
}

Exact binaryOf(BinaryKind kind, double a, double b) {
  switch (kind) {
    case BinaryKind::kAdd:
      return once(a + b);
    case BinaryKind::kSub:
      return once(a - b);
    case BinaryKind::kMul:
      return once(a * b);
    case BinaryKind::kDiv:
      return once(a / b);
    case BinaryKind::kPow:
      return few(std::pow(a, b));
    case BinaryKind::kMin:
      return once(std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b));
    case BinaryKind::kMax:
      return once(std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b));
    case BinaryKind::kCount:
      break;
  }
  return {};
}

float draw(Random& random) {
  const int32_t kind = random.between(0, 3);
  return kind == 0 ? random.anyFloat()
                   : random.real(-1, 1) * (kind == 1   ? 1
                                           : kind == 2 ? 20
                                                       : 120);
}

void unaryCases(const UnaryKernel& kernel) {
  Random random(15);
  for (int32_t kind = 0; kind < static_cast<int32_t>(UnaryKind::kCount); ++kind) {
    for (size_t turn = 0; turn <= 120; ++turn) {
      const size_t count = turn < 100 ? turn : everything ? 8000 : 1000;
      const Edge edge = random.coin() ? Edge::kFront : Edge::kBack;
      note("kind %ld, %ld values", {kind, static_cast<long>(count)});
      UnaryArgs args{};
      args.kind = static_cast<UnaryKind>(kind);
      args.alpha = args.kind == UnaryKind::kClip ? random.real(-5, 1) : random.real(0.01f, 2);
      args.beta = args.kind == UnaryKind::kClip && random.coin() ? INFINITY : random.real(1, 3);
      auto* x = left.place<float>(edge, count);
      for (size_t i = 0; i < count; ++i) x[i] = draw(random);
      args.x = x;
      args.y = static_cast<float*>(output.place(edge, 4 * count, 4));
      args.count = count;
      for (size_t i = 0; i < count; ++i) {
        const Exact exact =
            unaryOf(args.kind, static_cast<double>(x[i]), static_cast<double>(args.alpha),
                    static_cast<double>(args.beta));
        output.expectFloat(4 * i, exact.value, exact.tolerance);
      }
      kernel.run(args);
      output.check();
    }
  }
}

void binaryCases(const BinaryKernel& kernel) {
  Random random(16);
  const float powers[] = {2, 3, 0.5f, 1.5f, -1, 0};
  for (int32_t kind = 0; kind < static_cast<int32_t>(BinaryKind::kCount); ++kind) {
    for (size_t count = 1; count <= 100; ++count) {
      for (int32_t form = 0; form < 3; ++form) {
        const Edge edge = random.coin() ? Edge::kFront : Edge::kBack;
        note("kind %ld, form %ld, %ld values", {kind, form, static_cast<long>(count)});
        BinaryArgs args{};
        args.kind = static_cast<BinaryKind>(kind);
        args.form = static_cast<BinaryForm>(form);
        const bool aOne = args.form == BinaryForm::kRight, bOne = args.form == BinaryForm::kLeft;
        auto* a = left.place<float>(edge, aOne ? 1 : count);
        auto* b = right.place<float>(edge, bOne ? 1 : count);
        for (size_t i = 0; i < (aOne ? 1 : count); ++i) a[i] = draw(random);
        for (size_t i = 0; i < (bOne ? 1 : count); ++i) b[i] = draw(random);
        if (args.kind == BinaryKind::kPow && bOne) *b = powers[count % 6];
        args.a = a;
        args.b = b;
        args.y = static_cast<float*>(output.place(edge, 4 * count, 4));
        args.count = count;
        for (size_t i = 0; i < count; ++i) {
          const Exact exact = binaryOf(args.kind, static_cast<double>(a[aOne ? 0 : i]),
                                       static_cast<double>(b[bOne ? 0 : i]));
          output.expectFloat(4 * i, exact.value, exact.tolerance);
        }
        kernel.run(args);
        output.check();
      }
    }
  }
}

}  // namespace

void testFloatElementwise() {
#define OCTAVO_UNARY(name, isa) testKernel<UnaryKernel, unaryCases>({#name, Isa::isa, name});
#define OCTAVO_BINARY(name, isa) testKernel<BinaryKernel, binaryCases>({#name, Isa::isa, name});
#include "native/kernels/f32elementwise/kernels.inc"
#undef OCTAVO_UNARY
#undef OCTAVO_BINARY
}

}  // namespace test
}  // namespace octavo
