/** Octavo's own operators on tensors of any type: arithmetic, comparisons, choosing, gathering and resampling. */
import { intOf, intsOf } from '../attributes.js';
import { expectInputType, expectSameType } from './context.js';
import { axisOf, broadcastDims } from './dims.js';
import { step } from './octavo.js';
import type { InferContext, OpDefinition } from './op.js';

function broadcast({ node, input }: InferContext, ...indexes: readonly number[]) {
  return indexes.map((i) => input(i)?.dims).reduce((a, b) => broadcastDims(node, a, b));
}

/** Dims of x along `axis` replaced by those of indices. */
export function gathered({ node, input }: InferContext) {
  const x = input(0)?.dims;
  const indices = input(1)?.dims;
  if (x === undefined || indices === undefined) return undefined;
  const axis = axisOf(node, intOf(node, 'axis', 0), x.length);
  return [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
}

export const typedSteps: readonly OpDefinition[] = [
  step('Arithmetic', [2, 2], (context) => {
    const type = expectSameType(context, [0, 1]);
    return [type && { type, dims: broadcast(context, 0, 1) }];
  }),
  step('Compare', [2, 2], (context) => {
    expectSameType(context, [0, 1]);
    return [{ type: 'bool', dims: broadcast(context, 0, 1) }];
  }),
  step('Where', [3, 3], (context) => {
    expectInputType(context, 0, 'bool');
    const type = expectSameType(context, [1, 2]);
    return [type && { type, dims: broadcast(context, 0, 1, 2) }];
  }),
  step('Expand', [1, 1], ({ node, input }) => {
    const x = input(0);
    return [x && { type: x.type, dims: broadcastDims(node, x.dims, intsOf(node, 'dims')) }];
  }),
  step('Gather', [2, 2], (context) => {
    expectInputType(context, 1, 'int32', 'int64');
    const x = context.input(0);
    return [x && { type: x.type, dims: gathered(context) }];
  }),
  step('Resample', [3, 3], (context) => {
    const { node, input } = context;
    expectInputType(context, 0, 'float32');
    expectInputType(context, 1, 'int32');
    expectInputType(context, 2, 'float32');
    const x = input(0)?.dims;
    const axis = x && axisOf(node, intOf(node, 'axis', 0), x.length);
    return [{ type: 'float32', dims: x?.with(axis!, input(1)?.dims?.[0]) }];
  }),
];
