/** Lrn (assembly/lrn.ts). */
import { elementCount } from '../../core/shape.js';
import { declined, floatBits, type WasmKernel } from './kernel.js';

export const lrn: WasmKernel<'Lrn'> = ({ inputs, outputs, params }, context) => {
  const { size, alpha, beta, bias } = params;
  if (beta !== 0.75) return declined('a power');
  const { dims } = context.tensors[outputs[0]!]!;
  const channels = dims.at(-1) ?? 1;
  const before = Math.floor((size - 1) / 2);
  // Neighbours beyond the first and the last channel are none.
  const sides = [before, size - 1 - before].map((count) => Math.min(count, channels));
  const fields = [channels, ...sides, floatBits(Math.fround(alpha / size)), floatBits(bias)];
  const address = context.keepWords(fields);
  const [x, y] = [context.operand(inputs[0]), context.operand(outputs[0])];
  const units = channels === 0 ? 0 : elementCount(dims) / channels;
  const run = context.overParts('lrn', {
    ...{ units, grain: 1, work: 4 * units * channels * size },
    scratch: context.exports.lrnScratch(address) >>> 0,
  });
  return (memory) => run(address, x(memory), y(memory));
};
