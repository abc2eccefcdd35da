/**
 * Operators behind a rearrangement of channels that compute each channel by itself: they are written ahead of it, next
 * to what computes the channels, and may become part of that.
 */
import { allocate } from '../../core/dtype.js';
import type { Tensor } from '../../core/tensor.js';
import type { Node } from '../../graph/ir.js';
import { onlyConsumer } from '../lower/rules.js';
import type { Expansion } from './expansion.js';

const pointwise: ReadonlySet<string> = new Set([
  ...['Relu', 'Clip', 'LeakyRelu', 'Sigmoid', 'HardSigmoid', 'HardSwish', 'Tanh', 'Elu'],
  'QuantizeLinear',
]);
const arithmetic: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div']);

/**
 * Takes along the nodes that alone read the expanded node's output, one after the other. `value` has channel
 * `channels[i]` of that output as its channel i. Returns the last value, and the name of the one it stands for.
 */
export function carryAhead(
  to: Expansion,
  value: string,
  channels: readonly number[],
): { value: string; output: string } {
  let output = to.node.outputs[0]!;
  for (;;) {
    const next = onlyConsumer(to.site, output);
    const inputs = next && inputsAhead(to, next, output, value, channels);
    if (next === undefined || inputs === undefined) return { value, output };
    value = to.op(next.op, inputs, Object.fromEntries(next.attributes));
    to.remove(next);
    output = next.outputs[0]!;
  }
}

/** Inputs of the node when it reads `value`; undefined when it does not compute each channel by itself. */
function inputsAhead(
  to: Expansion,
  node: Node,
  output: string,
  value: string,
  channels: readonly number[],
): string[] | undefined {
  if (node.domain !== '' || node.outputs.length !== 1) return undefined;
  const others = node.inputs.filter((input) => input !== output);
  const constants = others.map((input) => (input === '' ? undefined : to.constantOf(input)));
  if (others.length !== node.inputs.length - 1) return undefined;
  if (!others.every((input, i) => input === '' || constants[i] !== undefined)) return undefined;
  const spread = (tensor: Tensor | undefined, axis: number) => {
    if (tensor === undefined) return '';
    return tensor.data.length === 1 ? to.tensor(tensor) : spreadAlong(to, tensor, axis, channels);
  };
  let moved: (string | undefined)[];
  if (pointwise.has(node.op) && node.inputs[0] === output) {
    const single = constants.every((tensor) => (tensor?.data.length ?? 1) === 1);
    moved = single ? others : [undefined];
  } else if (node.op === 'BatchNormalization' && node.inputs[0] === output) {
    moved = constants.map((tensor) => spread(tensor, 0));
  } else if (arithmetic.has(node.op)) {
    const rank = to.dimsOf(value)?.length ?? 0;
    const fits = (constants[0]?.dims.length ?? 0) <= rank;
    moved = [fits ? spread(constants[0], (constants[0]?.dims.length ?? 0) - rank + 1) : undefined];
  } else return undefined;
  if (!moved.every((input) => input !== undefined)) return undefined;
  const rest = moved as string[];
  return node.inputs.map((input) => (input === output ? value : rest.shift()!));
}

/** A constant that varies along the axis of the channels alone, for channels in another order. */
function spreadAlong(
  to: Expansion,
  { type, dims, data }: Tensor,
  axis: number,
  channels: readonly number[],
): string | undefined {
  if (axis < 0 || dims[axis] !== data.length) return undefined;
  const result = allocate(type, channels.length) as unknown as number[];
  channels.forEach((channel, i) => {
    result[i] = data[channel] as number;
  });
  const spread = dims.with(axis, channels.length);
  return to.tensor({ type, dims: spread, data: result } as unknown as Tensor);
}
