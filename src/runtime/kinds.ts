/** Values of parameters that name one of several kinds, the same in TypeScript, C++ and AssemblyScript. */
import type { ArithmeticOperation, Comparison } from '../numerics/arithmetic.js';

/** Values of `Unary.kind`. alpha and beta mean what ONNX's attributes mean; Clip's are its bounds. */
export const unaryKinds = {
  Clip: 0, // min(max(x, alpha), beta); Relu is Clip(0, Infinity)
  LeakyRelu: 1,
  Sigmoid: 2,
  HardSigmoid: 3, // max(0, min(1, alpha · x + beta))
  HardSwish: 4, // x · max(0, min(1, x / 6 + 0.5))
  Tanh: 5,
  Exp: 6,
  Log: 7,
  Sqrt: 8,
  Neg: 9,
  Abs: 10,
  Reciprocal: 11,
  Erf: 12,
  Floor: 13,
  Ceil: 14,
  Round: 15, // half to even
  Elu: 16,
  Softplus: 17,
  Gelu: 18, // x / 2 · (1 + erf(x / √2))
  GeluTanh: 19, // x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
  Sin: 20,
  Cos: 21,
  Tan: 22,
  Asin: 23,
  Acos: 24,
  Atan: 25,
  Sinh: 26,
  Cosh: 27,
  Asinh: 28,
  Acosh: 29,
  Atanh: 30,
  Sign: 31, // −1, 0 or 1
  Softsign: 32, // x / (1 + |x|)
  ThresholdedRelu: 33, // x where it is above alpha, else 0
  Affine: 34, // alpha · x + beta
  ScaledTanh: 35, // alpha · tanh(beta · x)
} as const;
export type UnaryKind = keyof typeof unaryKinds;

/** Values of `Binary.kind`. */
export const binaryKinds = { Add: 0, Sub: 1, Mul: 2, Div: 3, Pow: 4, Min: 5, Max: 6 } as const;
export type BinaryKind = keyof typeof binaryKinds;

/** Values of `Arithmetic.kind`. */
export const arithmeticKinds = {
  Add: 0,
  Sub: 1,
  Mul: 2,
  Div: 3,
  Min: 4,
  Max: 5,
  Mod: 6,
  Remainder: 7,
  Pow: 8,
  And: 9,
  Or: 10,
  Xor: 11,
  ShiftLeft: 12,
  ShiftRight: 13,
} as const satisfies Record<ArithmeticOperation, number>;

/** Values of `Compare.kind`. */
export const comparisonKinds = {
  Equal: 0,
  Less: 1,
  LessOrEqual: 2,
} as const satisfies Record<Comparison, number>;

/** Values of `Reduce.kind`. `axes` holds 1 for each axis that is reduced. */
export const reduceKinds = { Sum: 0, Mean: 1, Max: 2, Min: 3, Prod: 4 } as const;
export type ReduceKind = keyof typeof reduceKinds;

/** Values of `ArgReduce.kind`. */
export const argReduceKinds = { Max: 0, Min: 1 } as const;

/** Values of `reduction` of ScatterElements and ScatterND. */
export const scatterReductions = { none: 0, add: 1, mul: 2, max: 3, min: 4 } as const;
export type ScatterReduction = keyof typeof scatterReductions;

/** Values of `Pad.mode`. */
export const padModes = { constant: 0, reflect: 1, edge: 2 } as const;
export type PadMode = keyof typeof padModes;

/** The name of a kind by its number. */
export function nameOfKind<K extends string>(kinds: Readonly<Record<K, number>>, code: number): K {
  return (Object.keys(kinds) as K[])[code]!;
}
