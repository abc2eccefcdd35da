/** Reductions. Integers wait until dims are bound, since folding may know them then. */
import { bitsOf, type DataType } from '../../core/dtype.js';
import { intOf } from '../../graph/attributes.js';
import { reducedAxes } from '../../graph/ops/reduce.js';
import { type ReduceKind, reduceKinds } from '../../runtime/kinds.js';
import { contextAt, isBound } from './movement.js';
import { isDequantize } from './quantParams.js';
import { rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules, type Site } from './rules.js';

/** Axes that an ONNX reduction reduces, ascending; undefined while they, or x's rank, are unknown. */
export function axesReduced(site: Site): readonly number[] | undefined {
  const context = contextAt(site);
  const rank = context.input(0)?.dims?.length;
  return rank === undefined ? undefined : reducedAxes(context, rank);
}

function isReducible(type: DataType): boolean {
  return type !== 'bool' && type !== 'float16' && type !== 'bfloat16' && bitsOf(type) >= 8;
}

const reduce =
  (kind: ReduceKind): Rule =>
  (site) => {
    const { graph, node, index } = site;
    const x = node.inputs[0]!;
    const output = node.outputs[0]!;
    const axes = axesReduced(site);
    const to = rewriting(site);
    const type = to.typeOf(x)?.type;
    if (type === undefined || !isReducible(type)) return undefined;
    if (!areFloat(site, x) && !isBound(graph)) return undefined;
    const xDims = to.typeOf(x)?.dims;
    const yDims = to.typeOf(output)?.dims;
    if (axes === undefined || xDims === undefined || yDims === undefined) return undefined;
    // Where the input was quantized, an integer form may come yet.
    const free = axes.some((axis) => typeof xDims[axis] !== 'number');
    if (free && isDequantize(index.producer(x))) return undefined;
    const flags = xDims.map((_, axis) => (axes.includes(axis) ? 1 : 0));
    const dims = xDims.map((dim, axis) => (flags[axis] === 1 ? 1 : dim));
    const keep = intOf(node, 'keepdims', 1) !== 0;
    const params = { kind: reduceKinds[kind], axes: flags };
    const y = to.step('Reduce', [x], params, { type, dims }, { output: keep ? output : undefined });
    if (!keep && to.reshape(y, yDims, output) === undefined) return undefined;
    return to.done(`lower ${node.name}`);
  };

export const reduceRules: Rules = Object.fromEntries(
  (['Mean', 'Sum', 'Max', 'Min', 'Prod'] as const).map((kind) => [`Reduce${kind}`, reduce(kind)]),
);
