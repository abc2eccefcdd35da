/**
 * Sums and products of two tensors that broadcast, quantized and float, and functions of one float.
 * Add, Sub, Mul, Div, Min and Max are correctly rounded, as are the unary functions that need only
 * one rounding; the others are computed in double and rounded once.
 */
import type { TypedArray } from '../../core/dtype.js';
import { roundHalfEven } from '../../numerics/rounding.js';
import type { Step } from '../../runtime/plan.js';
import { type BinaryKind, binaryKinds, type UnaryKind, unaryKinds } from '../../runtime/steps.js';
import { bounded, rounded } from './arithmetic.js';
import { dimsOf, elementsOf, type StepKernel } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { broadcastStrides, forEachRow } from './strided.js';

const { fround } = Math;

export const qadd: StepKernel<'QAdd'> = (step, memory) => {
  const { aZero, bZero, yZero, aMultiplier, bMultiplier, min, max } = step.params;
  combine(step, memory, (a, b) => {
    const sum = fround((a - aZero) * aMultiplier) + fround((b - bZero) * bMultiplier);
    return rounded(fround(sum), yZero, min, max);
  });
};

export const qmul: StepKernel<'QMul'> = (step, memory) => {
  const { aZero, bZero, yZero, multiplier, min, max } = step.params;
  combine(step, memory, (a, b) =>
    rounded(fround((a - aZero) * (b - bZero) * multiplier), yZero, min, max),
  );
};

const binaryFunctions: Record<BinaryKind, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Min: Math.min,
  Max: Math.max,
};

export const binary: StepKernel<'Binary'> = (step, memory) => {
  combine(step, memory, binaryFunctions[nameOf(binaryKinds, step.params.kind)]);
};

/** y = f(a, b) over tensors that broadcast; storing in y rounds to its type. */
function combine(step: Step, memory: PlanMemory, f: (a: number, b: number) => number): void {
  const [aIndex, bIndex] = step.inputs;
  const [yIndex] = step.outputs;
  const a = memory.view(aIndex!) as Exclude<TypedArray, BigInt64Array | BigUint64Array>;
  const b = memory.view(bIndex!) as typeof a;
  const y = memory.view(yIndex!) as typeof a;
  const dims = dimsOf(memory, yIndex);
  const aStrides = broadcastStrides(dimsOf(memory, aIndex), dims);
  const bStrides = broadcastStrides(dimsOf(memory, bIndex), dims);
  const aStep = aStrides.at(-1) ?? 0;
  const bStep = bStrides.at(-1) ?? 0;
  let at = 0;
  forEachRow(dims, aStrides, bStrides, (aFrom, bFrom, length) => {
    for (let i = 0; i < length; i++) y[at++] = f(a[aFrom + i * aStep]!, b[bFrom + i * bStep]!);
  });
}

type UnaryFunction = (x: number, alpha: number, beta: number) => number;

const unaryFunctions: Record<UnaryKind, UnaryFunction> = {
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

export const unary: StepKernel<'Unary'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const f = unaryFunctions[nameOf(unaryKinds, params.kind)];
  for (let i = 0; i < y.length; i++) y[i] = f(x[i]!, params.alpha, params.beta);
};

/**
 * erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1 · 3 · 5 … (2n+1)), whose terms share a sign, so that
 * none cancel. From |x| = 4 on, 1 − erf|x| is below half a unit of float32.
 */
function erf(x: number): number {
  if (Math.abs(x) >= 4) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 100 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** The name of a numbered kind. */
function nameOf<K extends string>(kinds: Readonly<Record<K, number>>, code: number): K {
  return (Object.keys(kinds) as K[])[code]!;
}
