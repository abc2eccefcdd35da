/** Matrix products: MatMul and its integer forms broadcast leading axes, Gemm and QGemm are 2-D. */
import { intOf } from '../attributes.js';
import type { Dim, Node } from '../ir.js';
import { contradiction, expectInputType, expectRank, expectSameType } from './context.js';
import { broadcastDims, type Dims, unifyDims } from './dims.js';
import type { InferContext, OpDefinition } from './op.js';

/**
 * Dims of a matrix product a [..., M, K] · b [..., K, N] = [..., M, N] as NumPy has it: a vector on
 * the left is a row, one on the right a column, and the 1 that this adds is taken away again.
 */
export function matMulDims(
  node: Node,
  a: Dims | undefined,
  b: Dims | undefined,
): Dim[] | undefined {
  if (a?.length === 0 || b?.length === 0) throw contradiction(node, 'a scalar is no matrix');
  if (a === undefined || b === undefined) return undefined;
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  unifyDims(node, 'columns of a and rows of b', left.at(-1), right.at(-2));
  const batch = broadcastDims(node, left.slice(0, -2), right.slice(0, -2))!;
  const rows = a.length === 1 ? [] : [left.at(-2)];
  const columns = b.length === 1 ? [] : [right.at(-1)];
  return [...batch, ...rows, ...columns];
}

/** Dims of a Gemm of inputs a, b and c. */
export function gemmDims(
  context: InferContext,
  a: number,
  b: number,
  c: number,
): Dim[] | undefined {
  const { node, input } = context;
  expectRank(context, a, 2);
  expectRank(context, b, 2);
  const oriented = (i: number, attribute: string): Dims => {
    const dims = input(i)?.dims ?? [undefined, undefined];
    return intOf(node, attribute, 0) === 0 ? dims : [...dims].reverse();
  };
  const [rows, depth] = oriented(a, 'transA');
  const [height, columns] = oriented(b, 'transB');
  unifyDims(node, 'columns of a and rows of b', depth, height);
  const result = [rows, columns];
  const bias = input(c)?.dims;
  if (bias !== undefined) {
    const broadcast = broadcastDims(node, result, bias)!;
    const grown = broadcast.some((dim, i) => typeof dim === 'number' && result[i] === 1 && dim > 1);
    if (broadcast.length > 2 || grown) throw contradiction(node, 'c is larger than the product');
  }
  return result;
}

const matMul: OpDefinition = {
  op: 'MatMul',
  domain: '',
  since: 1,
  inputs: [2, 2],
  outputs: [1, 1],
  infer: (context) => {
    const type = expectSameType(context, [0, 1]);
    const dims = matMulDims(context.node, context.input(0)?.dims, context.input(1)?.dims);
    return [type && { type, dims }];
  },
};

const matMulInteger: OpDefinition = {
  op: 'MatMulInteger',
  domain: '',
  since: 10,
  inputs: [2, 4],
  outputs: [1, 1],
  infer: (context) => {
    expectInputType(context, 0, 'int8', 'uint8');
    expectInputType(context, 1, 'int8', 'uint8');
    expectSameType(context, [0, 2]);
    expectSameType(context, [1, 3]);
    const dims = matMulDims(context.node, context.input(0)?.dims, context.input(1)?.dims);
    return [{ type: 'int32', dims }];
  },
};

const qLinearMatMul: OpDefinition = {
  op: 'QLinearMatMul',
  domain: '',
  since: 10,
  inputs: [8, 8],
  outputs: [1, 1],
  infer: (context) => {
    expectInputType(context, 0, 'int8', 'uint8');
    expectInputType(context, 3, 'int8', 'uint8');
    expectSameType(context, [0, 2]);
    expectSameType(context, [3, 5]);
    const type = context.input(7)?.type;
    const dims = matMulDims(context.node, context.input(0)?.dims, context.input(3)?.dims);
    return [type && { type, dims }];
  },
};

const gemm: OpDefinition = {
  op: 'Gemm',
  domain: '',
  since: 7,
  inputs: [2, 3],
  outputs: [1, 1],
  infer: (context) => {
    const type = expectSameType(context, [0, 1, 2]);
    const dims = gemmDims(context, 0, 1, 2);
    return [type && { type, dims }];
  },
};

/** a, aScale, aZero, b, bScale, bZero, c (int32), yScale, yZero; float32 without the last two. */
const qGemm: OpDefinition = {
  op: 'QGemm',
  domain: 'com.microsoft',
  since: 1,
  inputs: [6, 9],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectInputType(context, 0, 'int8', 'uint8');
    expectInputType(context, 3, 'int8', 'uint8');
    expectInputType(context, 6, 'int32');
    expectSameType(context, [0, 2]);
    expectSameType(context, [3, 5]);
    const type = (node.inputs[8] ?? '') === '' ? 'float32' : input(8)?.type;
    const dims = gemmDims(context, 0, 3, 6);
    return [type && { type, dims }];
  },
};

export const matMuls: readonly OpDefinition[] = [matMul, matMulInteger, qLinearMatMul, gemm, qGemm];
