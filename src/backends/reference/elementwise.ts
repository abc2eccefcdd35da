/**
 * Sums and products of two tensors that broadcast, quantized and float, and functions of one float.
 * Add, Sub, Mul, Div, Min and Max are correctly rounded, as are the unary functions that need only
 * one rounding; the others are computed in double and rounded once.
 */
import { binaryFunctions, unaryFunctions } from '../../numerics/functions.js';
import { binaryKinds, nameOfKind, unaryKinds } from '../../runtime/kinds.js';
import type { StepParams } from '../../runtime/steps.js';
import { rounded } from './arithmetic.js';
import { combine } from './broadcast.js';
import { elementsOf, type StepKernel } from './kernel.js';

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
  combine<number>(step, memory, (a, b) =>
    rounded(fround((a - aZero) * (b - bZero) * multiplier), yZero, min, max),
  );
};

export const binary: StepKernel<'Binary'> = (step, memory) => {
  combine(step, memory, binaryFunctions[nameOfKind(binaryKinds, step.params.kind)]);
};

export const unary: StepKernel<'Unary'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const f = unaryFunctions[nameOfKind(unaryKinds, params.kind)];
  for (let i = 0; i < y.length; i++) y[i] = f(x[i]!, params.alpha, params.beta);
};
