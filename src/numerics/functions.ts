/**
 * Functions of one and of two numbers, in double: what the steps `Unary` and `Binary` compute before they
 * round to float32. The reference runs them over tensors, and passes tabulate them over bytes.
 */
import { roundHalfEven } from './rounding.js';

type UnaryFunction = (x: number, alpha: number, beta: number) => number;
type BinaryFunction = (a: number, b: number) => number;

function bounded(x: number, lower: number, upper: number): number {
  return Math.min(Math.max(x, lower), upper);
}

const unary = {
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
  Gelu: (x) => (x / 2) * (1 + erf(x * Math.SQRT1_2)),
  GeluTanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  Sin: Math.sin,
  Cos: Math.cos,
  Tan: Math.tan,
  Asin: Math.asin,
  Acos: Math.acos,
  Atan: Math.atan,
  Sinh: Math.sinh,
  Cosh: Math.cosh,
  Asinh: Math.asinh,
  Acosh: Math.acosh,
  Atanh: Math.atanh,
  Sign: Math.sign,
  Softsign: (x) => x / (1 + Math.abs(x)),
  ThresholdedRelu: (x, alpha) => (x > alpha || Number.isNaN(x) ? x : 0),
  Affine: (x, alpha, beta) => alpha * x + beta,
  ScaledTanh: (x, alpha, beta) => alpha * Math.tanh(beta * x),
} satisfies Record<string, UnaryFunction>;

/** By the names of `unaryKinds` in runtime/steps. */
export const unaryFunctions: Readonly<Record<keyof typeof unary, UnaryFunction>> = unary;

const binary = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Min: Math.min,
  Max: Math.max,
} satisfies Record<string, BinaryFunction>;

/** By the names of `binaryKinds` in runtime/steps. */
export const binaryFunctions: Readonly<Record<keyof typeof binary, BinaryFunction>> = binary;

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
