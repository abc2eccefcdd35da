/** Softmax and LayerNorm (assembly/f32rows.ts): functions along the last axis. */
import type { PlanTensor } from '../../runtime/plan.js';
import type { WasmKernel } from './kernel.js';

/** Rows along the last axis, cut into parts; `work` is that of an element, in multiplications. */
function partsOf({ dims, bytes }: PlanTensor, work: number) {
  const length = dims.at(-1) ?? 1;
  const count = bytes / 4;
  const parts = {
    units: length === 0 ? 0 : count / length,
    ...{ grain: 1, work: work * count, scratch: 0 },
  };
  return { length, parts };
}

export const softmax: WasmKernel<'Softmax'> = (
  { inputs, outputs },
  { keepWords, operand, overParts, tensors },
) => {
  const { length, parts } = partsOf(tensors[inputs[0]!]!, 16);
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  const noMask = keepWords([0]);
  const run = overParts('softmax', parts);
  return (memory) => run(x(memory), y(memory), length, 1, noMask, 0, 0);
};

export const layerNorm: WasmKernel<'LayerNorm'> = (
  { inputs, outputs, params },
  { operand, overParts, tensors },
) => {
  const { length, parts } = partsOf(tensors[inputs[0]!]!, 8);
  const optional = (index = -1) => (index < 0 ? () => 0 : operand(index));
  const [x, scale, y] = [operand(inputs[0]), operand(inputs[1]), operand(outputs[0])];
  const [bias, residual] = [optional(inputs[2]), optional(inputs[3])];
  const { epsilon } = params;
  const run = overParts('layerNorm', parts);
  return (at) => run(x(at), residual(at), scale(at), bias(at), y(at), length, epsilon);
};
