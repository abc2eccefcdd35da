/**
 * Functions of one number, for lookup tables: what the step `Unary` and element by element arithmetic
 * with constants compute, in double, rounded to float32 after each operation as the steps do.
 */
import { roundHalfEven } from '../../numerics/index.js';
import type { BinaryKind, UnaryKind } from '../../runtime/steps.js';

type Function1 = (x: number, alpha: number, beta: number) => number;

function bounded(x: number, lower: number, upper: number): number {
  return Math.min(Math.max(x, lower), upper);
}

export const unaryFunctions: Readonly<Record<UnaryKind, Function1>> = {
  Clip: bounded,
  LeakyRelu: (x, alpha) => (x < 0 ? alpha * x : x),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  HardSigmoid: (x, alpha, beta) => bounded(alpha * x + beta, 0, 1),
  HardSwish: (x) => x * bounded(x / 6 + 0.5, 0, 1),
  Tanh: Math.tanh,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Neg: (x) => -x,
  Abs: Math.abs,
  Reciprocal: (x) => 1 / x,
  Erf: erf,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: roundHalfEven,
  Elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};

export const binaryFunctions: Readonly<Record<BinaryKind, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Min: Math.min,
  Max: Math.max,
};

/**
 * The error function by its series 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1 · 3 · … · (2n + 1)), all of whose
 * terms have the sign of x, so that none cancel; from |x| = 4 on it rounds to ±1 in float32.
 */
function erf(x: number): number {
  if (!(Math.abs(x) < 4)) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
