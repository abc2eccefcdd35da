/**
 * Attention, head by head: softmax(scale · q · kᵀ + mask) · v, the maximum taken off first; in double,
 * rounded once.
 */
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel } from './kernel.js';
import { broadcastStrides } from './strided.js';

export const attention: StepKernel<'Attention'> = ({ inputs, outputs, params }, memory) => {
  const [q, k, v] = [0, 1, 2].map((i) => elementsOf<'float32'>(memory, inputs[i]));
  const mask = optionalElementsOf<'float32'>(memory, inputs[3]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const { heads, scale } = params;
  const [batches, queries, depths] = dimsOf(memory, inputs[0]) as [number, number, number];
  const [, keys, widths] = dimsOf(memory, inputs[2]) as [number, number, number];
  const [depth, width] = [depths / heads, widths / heads];
  const strides = mask
    ? broadcastStrides(dimsOf(memory, inputs[3]), [batches, heads, queries, keys])
    : [0, 0, 0, 0];
  const weights = new Float64Array(keys);

  const attend = (batch: number, head: number, query: number): void => {
    const qAt = (batch * queries + query) * depths + head * depth;
    const maskAt = batch * strides[0]! + head * strides[1]! + query * strides[2]!;
    let max = Number.NEGATIVE_INFINITY;
    for (let key = 0; key < keys; key++) {
      const kAt = (batch * keys + key) * depths + head * depth;
      let sum = 0;
      for (let i = 0; i < depth; i++) sum += q![qAt + i]! * k![kAt + i]!;
      weights[key] = sum * scale + (mask?.[maskAt + key * strides[3]!] ?? 0);
      max = Math.max(max, weights[key]!);
    }
    let total = 0;
    for (let key = 0; key < keys; key++) {
      weights[key] = Math.exp(weights[key]! - max);
      total += weights[key]!;
    }
    const yAt = (batch * queries + query) * widths + head * width;
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let key = 0; key < keys; key++) {
        sum += (weights[key]! / total) * v![(batch * keys + key) * widths + head * width + i]!;
      }
      y[yAt + i] = sum;
    }
  };
  for (let batch = 0; batch < batches; batch++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < queries; query++) attend(batch, head, query);
    }
  }
};
