/** The rules of the steps that ./lowPrecision computes. */
import { formatShape, type Shape } from '../../core/shape.js';
import { unaryKinds } from '../../runtime/kinds.js';
import type { PlanTensor } from '../../runtime/plan.js';
import { type Need, needCount, needKind, needRange, needSame } from './needs.js';
import type { Rule } from './rules.js';

/** A matrix whose rows are all axes but the last: their number and their length. */
function rowsOf(need: Need, { dims }: PlanTensor): { rows: number; depth: number } {
  need(dims.length >= 1, 'rank 1 or more', '0');
  const depth = dims.at(-1)!;
  return { rows: dims.slice(0, -1).reduce((product, dim) => product * dim, 1), depth };
}

/** The columns of x [M, K] · weight [N, K] = y [M, N]. */
function needProduct(need: Need, x: Shape, weight: Shape, y: Shape): number {
  need(x.length === 2, 'rank 2', formatShape(x));
  const columns = weight[0]!;
  needSame(need, weight, [columns, x[1]!]);
  needSame(need, y, [x[0]!, columns]);
  return columns;
}

export const lowPrecisionRules: {
  readonly DynamicQuantizeRows: Rule<'DynamicQuantizeRows'>;
  readonly MatMulInt4: Rule<'MatMulInt4'>;
  readonly MatMulInt1: Rule<'MatMulInt1'>;
  readonly MatMulInt16: Rule<'MatMulInt16'>;
} = {
  DynamicQuantizeRows: {
    reads: [['float32']],
    writes: [['int8', 'uint8'], ['float32']],
    check: ({ inputs, outputs, params, need }) => {
      needSame(need, outputs[0]!.dims, inputs[0]!.dims);
      needCount(need, outputs[1], rowsOf(need, inputs[0]!).rows);
      needKind(need, params.kind, unaryKinds);
    },
  },
  MatMulInt4: {
    reads: [['int8'], ['float32'], ['uint8'], ['float32'], ['uint8'], ['float32']],
    optionalFrom: 4,
    writes: [['float32']],
    check: ({ inputs, outputs, params, need }) => {
      const [x, xScale, weight, scale, zeroPoint, bias] = inputs;
      const { blockSize } = params;
      needRange(need, 'blockSize', blockSize, 16, 2 ** 16);
      need(blockSize % 8 === 0, 'a blockSize that 8 divides', String(blockSize));
      const { rows, depth } = rowsOf(need, x!);
      const columns = weight!.dims[0]!;
      const blocks = Math.ceil(depth / blockSize);
      needCount(need, xScale, rows);
      needSame(need, weight!.dims, [columns, blocks, blockSize / 2]);
      needSame(need, scale!.dims, [columns, blocks]);
      if (zeroPoint) needCount(need, zeroPoint, columns * Math.ceil(blocks / 2));
      if (bias) needCount(need, bias, columns);
      needSame(need, outputs[0]!.dims, [...x!.dims.slice(0, -1), columns]);
    },
  },
  MatMulInt1: {
    reads: [['int1'], ['int1'], ['float32'], ['float32']],
    optionalFrom: 2,
    writes: [['int32', 'float32']],
    check: ({ inputs, outputs, need }) => {
      const [x, weight, multiplier, bias] = inputs;
      const { type, dims } = outputs[0]!;
      const columns = needProduct(need, x!.dims, weight!.dims, dims);
      needRange(need, 'depth', x!.dims[1]!, 1);
      const scaled = type === 'float32';
      need((multiplier !== undefined) === scaled, `what ${type} takes`, 'a multiplier or none');
      need(bias === undefined || scaled, 'no bias of int32', 'a bias');
      for (const input of [multiplier, bias]) if (input) needCount(need, input, columns);
    },
  },
  MatMulInt16: {
    reads: [['int16'], ['int16'], ['float32'], ['int32']],
    optionalFrom: 2,
    writes: [['int16', 'int64', 'float32']],
    check: ({ inputs, outputs, params, need }) => {
      const [x, weight, multiplier, bias] = inputs;
      const { type, dims } = outputs[0]!;
      const columns = needProduct(need, x!.dims, weight!.dims, dims);
      needRange(need, 'depth', x!.dims[1]!, 0, 2 ** 22);
      needRange(need, 'min', params.min, -(2 ** 15), params.max);
      needRange(need, 'max', params.max, params.min, 2 ** 15 - 1);
      const scaled = type !== 'int64';
      need((multiplier !== undefined) === scaled, `what ${type} takes`, 'a multiplier or none');
      for (const input of [multiplier, bias]) if (input) needCount(need, input, columns);
    },
  },
};
