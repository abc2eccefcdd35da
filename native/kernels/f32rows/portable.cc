// Plain C++, for any CPU, and the specification of the family.
#include <math.h>

#include "native/kernels/f32rows/f32rows.h"

namespace octavo {
namespace {

// s^beta; of the usual 0.75 every kernel makes the same bits.
float power(float s, float beta) {
  if (beta != 0.75f) return static_cast<float>(pow(static_cast<double>(s), beta));
  const float root = sqrtf(s);
  return root * sqrtf(root);
}

template <typename T>
double foldOne(FoldKind kind, double value, T x) {
  if (kind == FoldKind::kSum) return value + x;
  const bool takes = kind == FoldKind::kMax ? x > value : x < value;
  return takes || x != x ? x : value;
}

}  // namespace

void softmax_f32_portable(const SoftmaxArgs& args) {
  for (size_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.length;
    float* y = args.y + row * args.length;
    float max = x[0];
    for (size_t i = 1; i < args.length; ++i) max = x[i] > max || x[i] != x[i] ? x[i] : max;
    double sum = 0;
    for (size_t i = 0; i < args.length; ++i) {
      y[i] = static_cast<float>(exp(static_cast<double>(x[i]) - max));
      sum += y[i];
    }
    for (size_t i = 0; i < args.length; ++i) y[i] = static_cast<float>(y[i] / sum);
  }
}

void layerNorm_f32_portable(const LayerNormArgs& args) {
  const auto length = static_cast<double>(args.length);
  for (size_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.length;
    float* y = args.y + row * args.length;
    if (args.residual != nullptr) {
      for (size_t i = 0; i < args.length; ++i) y[i] = x[i] + args.residual[row * args.length + i];
      x = y;
    }
    double mean = 0, variance = 0;
    for (size_t i = 0; i < args.length; ++i) mean += x[i] / length;
    for (size_t i = 0; i < args.length; ++i) variance += (x[i] - mean) * (x[i] - mean) / length;
    const double deviation = sqrt(variance + args.epsilon);
    for (size_t i = 0; i < args.length; ++i) {
      const double bias = args.bias == nullptr ? 0 : args.bias[i];
      y[i] = static_cast<float>((x[i] - mean) / deviation * args.scale[i] + bias);
    }
  }
}

void lrn_f32_portable(const LrnArgs& args) {
  float* squares = args.squares;
  const size_t channels = args.channels, size = args.before + 1 + args.after;
  for (size_t i = 0; i < args.before; ++i) squares[i] = 0;
  for (size_t i = 0; i < args.after; ++i) squares[args.before + channels + i] = 0;
  for (size_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * channels;
    float* y = args.y + row * channels;
    for (size_t c = 0; c < channels; ++c) squares[args.before + c] = x[c] * x[c];
    for (size_t c = 0; c < channels; ++c) {
      float sum = 0;
      for (size_t i = 0; i < size; ++i) sum += squares[c + i];
      y[c] = x[c] / power(args.bias + args.weight * sum, args.beta);
    }
  }
}

void foldRow_f32_portable(const FoldArgs& args) {
  double value = args.values[0];
  for (size_t i = 0; i < args.count; ++i) value = foldOne(args.kind, value, args.x[i]);
  args.values[0] = value;
}

void foldColumns_f32_portable(const FoldArgs& args) {
  for (size_t i = 0; i < args.count; ++i) {
    args.values[i] = foldOne(args.kind, args.values[i], args.x[i]);
  }
}

}  // namespace octavo
