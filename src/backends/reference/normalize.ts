/**
 * Normalizations along the last axis.
 *
 * Layer normalization: in double, rounded once.
 *
 * Local response normalization across channels, in float32 throughout. Channel c is divided by a
 * power of s = bias + alpha / size · Σ x² over the `size` channels around it: those from
 * c − ⌊(size − 1) / 2⌋ to c + ⌈(size − 1) / 2⌉ that exist, in ascending order.
 */
import { dimsOf, elementsOf, type StepKernel } from './kernel.js';

const { fround, sqrt } = Math;

export const lrn: StepKernel<'Lrn'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const channels = dimsOf(memory, inputs[0]).at(-1) ?? 1;
  const { size, alpha, beta, bias } = params;
  const before = Math.floor((size - 1) / 2);
  const after = size - 1 - before;
  const weight = fround(alpha / size);
  const squares = new Float32Array(channels);
  for (let from = 0; from < x.length; from += channels) {
    for (let c = 0; c < channels; c++) squares[c] = x[from + c]! * x[from + c]!;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let i = Math.max(0, c - before); i <= Math.min(channels - 1, c + after); i++) {
        sum = fround(sum + squares[i]!);
      }
      y[from + c] = x[from + c]! / power(fround(bias + fround(weight * sum)), beta);
    }
  }
};

export const layerNorm: StepKernel<'LayerNorm'> = ({ inputs, outputs, params }, memory) => {
  const optional = (input = -1) => (input < 0 ? undefined : elementsOf<'float32'>(memory, input));
  const given = elementsOf<'float32'>(memory, inputs[0]);
  const scale = elementsOf<'float32'>(memory, inputs[1]!);
  const bias = optional(inputs[2]);
  const residual = optional(inputs[3]);
  const x = residual === undefined ? given : given.map((value, i) => value + residual[i]!);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const length = scale.length;
  for (let from = 0; from < x.length; from += length) {
    let mean = 0;
    for (let i = 0; i < length; i++) mean += x[from + i]! / length;
    let variance = 0;
    for (let i = 0; i < length; i++) variance += (x[from + i]! - mean) ** 2 / length;
    const deviation = sqrt(variance + params.epsilon);
    for (let i = 0; i < length; i++) {
      y[from + i] = ((x[from + i]! - mean) / deviation) * scale[i]! + (bias?.[i] ?? 0);
    }
  }
};

/** s^beta; of the usual 0.75 every backend makes the same bits. */
function power(s: number, beta: number): number {
  if (beta !== 0.75) return fround(s ** beta);
  const root = fround(sqrt(s));
  return fround(root * fround(sqrt(root)));
}
