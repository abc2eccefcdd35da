/** Weighted sums of cells along an axis: interpolation. */
import { invariant } from '../../core/errors.js';
import { elementCount, stridesOf } from '../../core/shape.js';
import { dimsOf, type StepKernel } from './kernel.js';

export const resample: StepKernel<'Resample'> = ({ inputs, outputs, params }, memory) => {
  const dims = dimsOf(memory, inputs[0]);
  const [places, taps] = dimsOf(memory, inputs[1]) as [number, number];
  const size = dims[params.axis]!;
  const inner = stridesOf(dims)[params.axis]!;
  const outer = elementCount(dims.slice(0, params.axis));
  const x = memory.view(inputs[0]!) as Float32Array;
  const indices = memory.view(inputs[1]!) as Int32Array;
  const weights = memory.view(inputs[2]!) as Float32Array;
  const y = memory.view(outputs[0]!) as Float32Array;
  invariant(
    indices.every((index) => index >= 0 && index < size),
    'an index of Resample out of range',
  );
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < places; i++) {
      for (let j = 0; j < inner; j++) {
        const product = (t: number) => {
          const cell = (o * size + indices[i * taps + t]!) * inner + j;
          return Math.fround(weights[i * taps + t]! * x[cell]!);
        };
        let sum = product(0);
        for (let t = 1; t < taps; t++) sum = Math.fround(sum + product(t));
        y[at++] = sum;
      }
    }
  }
};
