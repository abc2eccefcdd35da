/** Reading pictures at computed places: GridSample, AffineGrid, RoiAlign; and MaxUnpool, which writes at such. */
import { intOf } from '../attributes.js';
import { expectInputType, expectRank, expectSameType } from './context.js';
import { areStatic, unifyDims } from './dims.js';
import { numbersOf } from './movement.js';
import type { InferContext, OpDefinition } from './op.js';
import { poolKernel } from './pool.js';
import { windowOf } from './window.js';

/** x [N, C, …], grid [N, …places, axes]. */
const gridSample: OpDefinition = {
  op: 'GridSample',
  domain: '',
  since: 20,
  inputs: [2, 2],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectRank(context, 0, 3, Infinity);
    const [x, grid] = [input(0), input(1)?.dims];
    if (x?.dims === undefined || grid === undefined) return [x && { type: x.type }];
    expectRank(context, 1, x.dims.length);
    unifyDims(node, 'batches', x.dims[0], grid[0]);
    unifyDims(node, 'axes and coordinates', x.dims.length - 2, grid.at(-1));
    return [{ type: x.type, dims: [x.dims[0], x.dims[1], ...grid.slice(1, -1)] }];
  },
};

/** theta [N, axes, axes + 1], size [N, C, …places]. */
const affineGrid: OpDefinition = {
  op: 'AffineGrid',
  domain: '',
  since: 20,
  inputs: [2, 2],
  outputs: [1, 1],
  infer: (context) => {
    expectRank(context, 0, 3);
    expectInputType(context, 1, 'int64');
    const theta = context.input(0);
    const size = context.contents(1);
    if (theta === undefined || size === undefined) return [theta && { type: theta.type }];
    return [{ type: theta.type, dims: [size[0], ...size.slice(2), size.length - 2] }];
  },
};

/** x [N, C, H, W], rois [R, 4], batches [R]. */
const roiAlign: OpDefinition = {
  op: 'RoiAlign',
  domain: '',
  since: 16,
  inputs: [3, 3],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectRank(context, 0, 4);
    expectRank(context, 1, 2);
    expectInputType(context, 2, 'int64');
    const type = expectSameType(context, [0, 1]);
    const rois = unifyDims(node, 'rois and batches', input(1)?.dims?.[0], input(2)?.dims?.[0]);
    const sizes = ['output_height', 'output_width'].map((name) => intOf(node, name, 1));
    return [type && { type, dims: [rois, input(0)?.dims?.[1], ...sizes] }];
  },
};

/** Dims of what was pooled, as the window tells; undefined while x is not known. */
export function unpooledDims({ node, input }: InferContext): readonly number[] | undefined {
  const dims = input(0)?.dims;
  if (!areStatic(dims)) return undefined;
  const { strides, padsBefore, padsAfter, kernel } = windowOf(node, poolKernel(node));
  const sizes = dims
    .slice(2)
    .map((size, i) => (size - 1) * strides[i]! - padsBefore[i]! - padsAfter[i]! + kernel[i]!);
  return [...dims.slice(0, 2), ...sizes];
}

/** x, places in what was pooled, dims of y. */
const maxUnpool: OpDefinition = {
  op: 'MaxUnpool',
  domain: '',
  since: 9,
  inputs: [2, 3],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectInputType(context, 1, 'int64');
    expectInputType(context, 2, 'int64');
    const x = input(0);
    const given = (node.inputs[2] ?? '') === '' ? unpooledDims(context) : numbersOf(context, 2);
    return [x && { type: x.type, dims: given ?? x.dims?.map(() => undefined) }];
  },
};

export const samplings: readonly OpDefinition[] = [gridSample, affineGrid, roiAlign, maxUnpool];
