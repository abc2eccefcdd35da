/** Reductions: x, axes (int64, optional; all axes without them). */
import { intOf } from '../attributes.js';
import type { Dim } from '../ir.js';
import { axesOf } from './dims.js';
import { numbersOf } from './movement.js';
import type { InferContext, OpDefinition } from './op.js';

/** Axes that a reduction over `rank` axes reduces; undefined when they are computed. */
export function reducedAxes(context: InferContext, rank: number): readonly number[] | undefined {
  const { node } = context;
  const every = Array.from({ length: rank }, (_, i) => i);
  const whenEmpty = intOf(node, 'noop_with_empty_axes', 0) !== 0 ? [] : every;
  if ((node.inputs[1] ?? '') === '') return whenEmpty;
  const axes = numbersOf(context, 1);
  if (axes === undefined) return undefined;
  return axes.length === 0 ? whenEmpty : axesOf(node, axes, rank);
}

function reduction(op: string, since: number): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs: [1, 2],
    outputs: [1, 1],
    infer: (context) => {
      const x = context.input(0);
      if (x?.dims === undefined) return [x && { type: x.type }];
      const keep = intOf(context.node, 'keepdims', 1) !== 0;
      const axes = reducedAxes(context, x.dims.length);
      if (axes === undefined) {
        return [{ type: x.type, dims: keep ? x.dims.map(() => undefined) : undefined }];
      }
      const dims = keep
        ? x.dims.map((dim, i): Dim => (axes.includes(i) ? 1 : dim))
        : x.dims.filter((_, i) => !axes.includes(i));
      return [{ type: x.type, dims }];
    },
  };
}

export const reductions: readonly OpDefinition[] = [
  reduction('ReduceMean', 18),
  reduction('ReduceSum', 13),
  reduction('ReduceMax', 18),
  reduction('ReduceMin', 18),
  reduction('ReduceProd', 18),
  reduction('ReduceL1', 18),
  reduction('ReduceL2', 18),
  reduction('ReduceSumSquare', 18),
  reduction('ReduceLogSum', 18),
  reduction('ReduceLogSumExp', 18),
];
