/**
 * Sums and products of two tensors that broadcast, quantized and float, and functions of one float.
 * Add, Sub, Mul, Div, Min and Max are correctly rounded, as are the unary functions that need only
 * one rounding; the others are computed in double and rounded once.
 */
import type { TypedArray } from '../../core/dtype.js';
import { binaryFunctions, unaryFunctions } from '../../numerics/functions.js';
import type { Step } from '../../runtime/plan.js';
import { binaryKinds, nameOfKind, type StepParams, unaryKinds } from '../../runtime/steps.js';
import { rounded } from './arithmetic.js';
import { dimsOf, elementsOf, type StepKernel } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { broadcastStrides, forEachRow } from './strided.js';

const { fround } = Math;

export const qadd: StepKernel<'QAdd'> = (step, memory) => {
  combine(step, memory, quantizedSum(step.params));
};

/** What QAdd makes of two codes. */
export function quantizedSum({
  aZero,
  bZero,
  yZero,
  aMultiplier,
  bMultiplier,
  min,
  max,
}: StepParams<'QAdd'>): (a: number, b: number) => number {
  return (a, b) => {
    const sum = fround((a - aZero) * aMultiplier) + fround((b - bZero) * bMultiplier);
    return rounded(fround(sum), yZero, min, max);
  };
}

export const qmul: StepKernel<'QMul'> = (step, memory) => {
  const { aZero, bZero, yZero, multiplier, min, max } = step.params;
  combine(step, memory, (a, b) =>
    rounded(fround((a - aZero) * (b - bZero) * multiplier), yZero, min, max),
  );
};

export const binary: StepKernel<'Binary'> = (step, memory) => {
  combine(step, memory, binaryFunctions[nameOfKind(binaryKinds, step.params.kind)]);
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

export const unary: StepKernel<'Unary'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const f = unaryFunctions[nameOfKind(unaryKinds, params.kind)];
  for (let i = 0; i < y.length; i++) y[i] = f(x[i]!, params.alpha, params.beta);
};
