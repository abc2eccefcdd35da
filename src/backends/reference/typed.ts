/**
 * Arithmetic and comparisons of any type, and steps that choose elements: Where, Expand. Numbers and bigints
 * are never mixed: tensors of one type have one or the other.
 */
import { arithmeticOn, comparisonOf } from '../../numerics/arithmetic.js';
import type { Step } from '../../runtime/plan.js';
import { arithmeticKinds, comparisonKinds, nameOfKind } from '../../runtime/steps.js';
import { dimsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { broadcastStrides, forEachRow, gather } from './strided.js';
import { wordsOf } from './words.js';

/** Any typed array, element by element. */
interface Elements {
  readonly length: number;
  [index: number]: number | bigint;
}

function elements(memory: PlanMemory, index: number | undefined): Elements {
  return memory.view(index!) as unknown as Elements;
}

/** y = f(a, b) over tensors that broadcast; storing rounds or wraps to the type of y. */
function combine(
  step: Step,
  memory: PlanMemory,
  f: (a: number | bigint, b: number | bigint) => number | bigint,
): void {
  const [a, b, y] = [...step.inputs, ...step.outputs].map((index) => elements(memory, index));
  const dims = dimsOf(memory, step.outputs[0]);
  const aStrides = broadcastStrides(dimsOf(memory, step.inputs[0]), dims);
  const bStrides = broadcastStrides(dimsOf(memory, step.inputs[1]), dims);
  const [aStep, bStep] = [aStrides.at(-1) ?? 0, bStrides.at(-1) ?? 0];
  let at = 0;
  forEachRow(dims, aStrides, bStrides, (aFrom, bFrom, length) => {
    for (let i = 0; i < length; i++) y![at++] = f(a![aFrom + i * aStep]!, b![bFrom + i * bStep]!);
  });
}

export const arithmetic: StepKernel<'Arithmetic'> = (step, memory) => {
  const name = nameOfKind(arithmeticKinds, step.params.kind);
  combine(step, memory, arithmeticOn(name, typeOf(memory, step.outputs[0]))!);
};

export const compare: StepKernel<'Compare'> = (step, memory) => {
  const test = comparisonOf(nameOfKind(comparisonKinds, step.params.kind));
  combine(step, memory, (a, b) => (test(a, b) ? 1 : 0));
};

export const where: StepKernel<'Where'> = ({ inputs, outputs }, memory) => {
  const dims = dimsOf(memory, outputs[0]);
  const y = wordsOf(memory, outputs[0]);
  const [condition, a, b] = inputs.map((index) => {
    const spread = new Array<number>(y.length);
    gather(spread, wordsOf(memory, index), dims, broadcastStrides(dimsOf(memory, index), dims));
    return spread;
  });
  for (let i = 0; i < y.length; i++) y[i] = condition![i] !== 0 ? a![i]! : b![i]!;
};

export const expand: StepKernel<'Expand'> = ({ inputs, outputs }, memory) => {
  const dims = dimsOf(memory, outputs[0]);
  const strides = broadcastStrides(dimsOf(memory, inputs[0]), dims);
  gather(wordsOf(memory, outputs[0]), wordsOf(memory, inputs[0]), dims, strides);
};
