/**
 * Arithmetic and comparisons of any type, and steps that choose elements: Where, Expand. Numbers and bigints
 * are never mixed: tensors of one type have one or the other.
 */
import { arithmeticOn, comparisonOf } from '../../numerics/arithmetic.js';
import { arithmeticKinds, comparisonKinds, nameOfKind } from '../../runtime/kinds.js';
import { combine } from './broadcast.js';
import { dimsOf, type StepKernel, typeOf } from './kernel.js';
import { broadcastStrides, gather } from './strided.js';
import { wordsOf } from './words.js';

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
