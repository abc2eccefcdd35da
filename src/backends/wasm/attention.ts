/**
 * Attention (assembly/attention.ts). Each head of a batch is a unit of the work; where there are few
 * heads, and many queries, it is several.
 */
import { broadcastStrides } from '../reference/strided.js';
import { floatBits, type WasmKernel } from './kernel.js';
import { roundUp } from './pack.js';
import { tileGrain } from './window.js';

/** Queries that keys and values of a head are worth packing for, more than once. */
const fewestQueries = 4 * tileGrain;

/** Multiplications of a group of queries that are worth a unit of their own. */
const workOfGroup = 2 ** 19;

export const attention: WasmKernel<'Attention'> = ({ inputs, outputs, params }, context) => {
  const { exports, keepWords, operand, overParts, tensors } = context;
  const { heads, scale } = params;
  const [batches, queries, depths] = tensors[inputs[0]!]!.dims as [number, number, number];
  const [, keys, widths] = tensors[inputs[2]!]!.dims as [number, number, number];
  const [depth, width] = [depths / heads, widths / heads];
  const matrices = batches * heads;

  const workOfQuery = Math.max(keys * (depth + width), 1);
  const wanted = roundUp(Math.ceil(workOfGroup / workOfQuery), tileGrain);
  const group = Math.min(Math.max(wanted, fewestQueries), queries);
  const groups = group === 0 ? 0 : Math.ceil(queries / group);

  const masked = (inputs[3] ?? -1) >= 0;
  const strides = masked
    ? broadcastStrides(tensors[inputs[3]!]!.dims, [batches, heads, queries, keys])
    : [0, 0, 0, 0];
  const fields = keepWords([
    ...[heads, queries, keys, depth, width, floatBits(scale), group, groups],
    ...strides,
  ]);
  const run = overParts('attention', {
    ...{ units: matrices * groups, grain: 1, work: 4 * matrices * queries * workOfQuery },
    scratch: exports.attentionScratch(fields) >>> 0,
  });
  const [q, k, v, y] = [...inputs.slice(0, 3), outputs[0]].map(operand);
  const zero = keepWords([0]);
  const mask = masked ? operand(inputs[3]) : () => zero;
  return (memory) => run(fields, q!(memory), k!(memory), v!(memory), mask(memory), y!(memory));
};
