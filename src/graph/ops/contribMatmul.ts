/** com.microsoft's products of quantized matrices whose result is float. */
import { intOf } from '../attributes.js';
import { contradiction, expectInputType, expectSameType } from './context.js';
import { unifyDims } from './dims.js';
import { matMulDims } from './matmul.js';
import type { OpDefinition } from './op.js';

const contrib = { domain: 'com.microsoft', since: 1, outputs: [1, 1] } as const;

/** a, b, bScale, bZero, bias */
const dynamicQuantizeMatMul: OpDefinition = {
  ...contrib,
  op: 'DynamicQuantizeMatMul',
  inputs: [3, 5],
  infer: (context) => {
    const { node, input } = context;
    for (const i of [0, 2, 4]) expectInputType(context, i, 'float32');
    expectInputType(context, 1, 'int8', 'uint8');
    expectSameType(context, [1, 3]);
    return [{ type: 'float32', dims: matMulDims(node, input(0)?.dims, input(1)?.dims) }];
  },
};

/** a, b, aScale, bScale, aZero, bZero, bias */
const matMulIntegerToFloat: OpDefinition = {
  ...contrib,
  op: 'MatMulIntegerToFloat',
  inputs: [4, 7],
  infer: (context) => {
    const { node, input } = context;
    for (const i of [0, 1]) expectInputType(context, i, 'int8', 'uint8');
    for (const i of [2, 3, 6]) expectInputType(context, i, 'float32');
    expectSameType(context, [0, 4]);
    expectSameType(context, [1, 5]);
    return [{ type: 'float32', dims: matMulDims(node, input(0)?.dims, input(1)?.dims) }];
  },
};

/** a [..., K], b uint8 [N, blocks, bytes], scales, zeroPoints, gIdx, bias [N] */
const matMulNBits: OpDefinition = {
  ...contrib,
  op: 'MatMulNBits',
  inputs: [3, 6],
  infer: (context) => {
    const { node, input } = context;
    const type = expectSameType(context, [0, 2, 5]);
    expectInputType(context, 1, 'uint8');
    const [k, n] = [intOf(node, 'K', 0), intOf(node, 'N', 0)];
    if (k < 1 || n < 1) throw contradiction(node, "'K' and 'N' must be positive");
    const dims = input(0)?.dims;
    unifyDims(node, "'K' and the rows of a", k, dims?.at(-1));
    return [type && { type, dims: dims && [...dims.slice(0, -1), n] }];
  },
};

export const contribProducts: readonly OpDefinition[] = [
  dynamicQuantizeMatMul,
  matMulIntegerToFloat,
  matMulNBits,
];
