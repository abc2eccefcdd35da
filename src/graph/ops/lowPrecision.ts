/** Octavo's own operators for weights of other widths than a byte: as ./octavo has those of its other steps. */
import type { DataType } from '../../core/dtype.js';
import { intOf } from '../attributes.js';
import { contradiction, expectInputType, expectRank } from './context.js';
import { type Dims, unifyDims } from './dims.js';
import { outputTypeOf, step } from './octavo.js';
import type { InferContext, OpDefinition } from './op.js';

const dynamicQuantizeRows = step(
  'DynamicQuantizeRows',
  [1, 1],
  (context) => {
    expectInputType(context, 0, 'float32');
    expectRank(context, 0, 1, Infinity);
    const dims = context.input(0)?.dims;
    return [
      { type: outputTypeOf(context.node, 'int8')!, dims },
      { type: 'float32', dims: dims?.slice(0, -1) },
    ];
  },
  { outputs: [2, 2] },
);

const matMulInt4 = step(
  'MatMulInt4',
  [4, 6],
  (context) => {
    const { node, input } = context;
    expectInputType(context, 0, 'int8');
    for (const i of [1, 3, 5]) expectInputType(context, i, 'float32');
    for (const i of [2, 4]) expectInputType(context, i, 'uint8');
    expectRank(context, 0, 1, Infinity);
    expectRank(context, 2, 3);
    expectRank(context, 3, 2);
    const blockSize = intOf(node, 'blockSize', 0);
    if (blockSize < 16 || blockSize % 8 !== 0) {
      throw contradiction(node, "bad 'blockSize'", 'a multiple of 8 from 16', String(blockSize));
    }
    const dims = input(0)?.dims;
    const weight = input(2)?.dims;
    const depth = dims?.at(-1);
    const blocks = typeof depth === 'number' ? Math.ceil(depth / blockSize) : undefined;
    unifyDims(node, 'blocks of x and weight', blocks, weight?.[1]);
    unifyDims(node, 'bytes of a block', blockSize / 2, weight?.[2]);
    const columns = unifyDims(node, 'columns', weight?.[0], input(3)?.dims?.[0]);
    unifyDims(node, 'columns and bias', columns, input(5)?.dims?.[0]);
    return [{ type: 'float32', dims: dims && [...dims.slice(0, -1), columns] }];
  },
  { optionalInputs: [4] },
);

/** x [M, K] · weight [N, K] of that type: [M, N], the columns those of inputs 2 and 3 too. */
function multiplied(context: InferContext, type: DataType): Dims {
  const { node, input } = context;
  for (const i of [0, 1]) {
    expectInputType(context, i, type);
    expectRank(context, i, 2);
  }
  const [x, weight] = [input(0)?.dims, input(1)?.dims];
  unifyDims(node, 'depths', x?.[1], weight?.[1]);
  const columns = unifyDims(node, 'columns', weight?.[0], input(2)?.dims?.[0]);
  return [x?.[0], unifyDims(node, 'columns', columns, input(3)?.dims?.[0])];
}

const matMulInt1 = step('MatMulInt1', [2, 4], (context) => {
  for (const i of [2, 3]) expectInputType(context, i, 'float32');
  const type = (context.node.inputs[2] ?? '') === '' ? 'int32' : 'float32';
  return [{ type, dims: multiplied(context, 'int1') }];
});

const matMulInt16 = step(
  'MatMulInt16',
  [2, 4],
  (context) => {
    expectInputType(context, 2, 'float32');
    expectInputType(context, 3, 'int32');
    const type = outputTypeOf(context.node, 'int64')!;
    return [{ type, dims: multiplied(context, 'int16') }];
  },
  { optionalInputs: [2] },
);

export const lowPrecisionSteps: readonly OpDefinition[] = [
  dynamicQuantizeRows,
  matMulInt4,
  matMulInt1,
  matMulInt16,
];
