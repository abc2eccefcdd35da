// Functions of one and of two float32 vectors. ops/unary and ops/binary drive them, after they have
// reduced broadcasting to rows in which an operand is either a vector or one value.
//
// All kernels give the same bits for the functions that are at most one rounding away from their
// input: Clip, LeakyRelu, Sqrt, Neg, Abs, Reciprocal, Floor, Ceil, Round, Sign,
// ThresholdedRelu; Add, Sub, Mul, Div, Min, Max. The others are within a few units in the last
// place of the exact value. NaN gives NaN.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/cpu/isa.h"

namespace octavo {

// In the order of unaryKinds and binaryKinds in src/runtime/kinds.ts, which tells what each
// computes.
enum class UnaryKind : int32_t {
  kClip,
  kLeakyRelu,
  kSigmoid,
  kHardSigmoid,
  kHardSwish,
  kTanh,
  kExp,
  kLog,
  kSqrt,
  kNeg,
  kAbs,
  kReciprocal,
  kErf,
  kFloor,
  kCeil,
  kRound,
  kElu,
  kSoftplus,
  kGelu,
  kGeluTanh,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kSign,
  kSoftsign,
  kThresholdedRelu,
  kAffine,
  kScaledTanh,
  kCount
};
enum class BinaryKind : int32_t { kAdd, kSub, kMul, kDiv, kPow, kMin, kMax, kCount };

// Which operands are vectors; the other one is a single value.
enum class BinaryForm : int32_t { kBoth, kLeft, kRight };

struct UnaryArgs {
  UnaryKind kind;
  float alpha, beta;
  const float* x;
  float* y;
  size_t count;
};

struct BinaryArgs {
  BinaryKind kind;
  BinaryForm form;
  const float *a, *b;
  float* y;
  size_t count;
};

struct UnaryKernel {
  const char* name;
  Isa isa;
  void (*run)(const UnaryArgs& args);
};

struct BinaryKernel {
  const char* name;
  Isa isa;
  void (*run)(const BinaryArgs& args);
};

const UnaryKernel& chooseUnary(Isa isa);
const BinaryKernel& chooseBinary(Isa isa);

}  // namespace octavo
