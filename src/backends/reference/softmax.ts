/** Softmax along the last axis, the maximum taken off first; in double, rounded once. */
import { dimsOf, elementsOf, type StepKernel } from './kernel.js';

export const softmax: StepKernel<'Softmax'> = ({ inputs, outputs }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const length = dimsOf(memory, inputs[0]).at(-1) ?? 1;
  const powers = new Float64Array(length);
  for (let from = 0; from < x.length; from += length) {
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < length; i++) max = Math.max(max, x[from + i]!);
    let sum = 0;
    for (let i = 0; i < length; i++) {
      powers[i] = Math.exp(x[from + i]! - max);
      sum += powers[i]!;
    }
    for (let i = 0; i < length; i++) y[from + i] = powers[i]! / sum;
  }
};
