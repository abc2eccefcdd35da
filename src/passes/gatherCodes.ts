/**
 * Rows of a quantized table: those that are asked for are dequantized, not the table. A Gather along axis 0 of a DequantizeLinear
 * of constant codes becomes one of the codes, dequantized behind it, to the same bits. So a table of embeddings takes the memory
 * that it has in the file.
 */
import { intOf } from '../graph/attributes.js';
import { elementTypeCode } from '../graph/elementTypes.js';
import type { Node } from '../graph/ir.js';
import { axisOf } from '../graph/ops/dims.js';
import { type Expand, type Expansion, expanding } from './expand/expansion.js';
import { isDequantize, quantParamsOf } from './lower/quantParams.js';
import { rulePass, type Site } from './lower/rules.js';

/** Whether nothing else sees the value than Gathers of rows of it. */
function isTable({ index }: Site, value: string, rank: number): boolean {
  return (
    !index.isOutput(value) &&
    index.consumers(value).every((reader) => takesRows(reader, value, rank))
  );
}

function takesRows(node: Node, table: string, rank: number): boolean {
  return (
    node.domain === '' &&
    node.op === 'Gather' &&
    node.inputs[0] === table &&
    axisOf(node, intOf(node, 'axis', 0), rank) === 0
  );
}

const gather: Expand = (to) => {
  const { graph, index } = to.site;
  const table = index.producer(to.input(0));
  const codes = graph.constants.get(table?.inputs[0] ?? '');
  const whole = codes?.type === 'int8' || codes?.type === 'uint8';
  if (!isDequantize(table) || !whole) return false;
  const rank = codes.dims.length;
  if (!isTable(to.site, to.input(0), rank)) return false;
  const params = quantParamsOf(graph, table!);
  const from = to.dimsOf(to.input(1))?.length;
  if (params === undefined || params.blockSize !== undefined || from === undefined) return false;
  const rows = to.op('Gather', [table!.inputs[0]!, to.input(1)]);
  // Undefined where there is one scale for all.
  const axis = params.axis === undefined ? undefined : axisOf(table!, params.axis, rank);
  if (axis !== 0) {
    const moved: Record<string, number> = axis === undefined ? {} : { axis: axis - 1 + from };
    to.output(0, to.op('DequantizeLinear', [rows, ...table!.inputs.slice(1)], moved));
    return true;
  }
  const steps = rowNumbers(to, codes.dims, params.scale);
  const zeros = params.zeroPoint.some((zero) => zero !== 0)
    ? rowNumbers(to, codes.dims, Float32Array.from(params.zeroPoint))
    : undefined;
  const numbers = to.op('Cast', [rows], { to: elementTypeCode('float32') });
  const shifted = zeros === undefined ? numbers : to.op('Sub', [numbers, zeros]);
  to.output(0, to.op('Mul', [shifted, steps]));
  return true;
};

/** A number for each row of the table: those of the rows that are asked for, to be broadcast along them. */
function rowNumbers(to: Expansion, dims: readonly number[], data: Float32Array): string {
  const tensor = {
    type: 'float32' as const,
    dims: dims.map((dim, i) => (i === 0 ? dim : 1)),
    data,
  };
  return to.op('Gather', [to.tensor(tensor), to.input(1)]);
}

export const gatherCodes = rulePass('gather codes', { Gather: expanding(gather) });
