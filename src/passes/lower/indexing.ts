/**
 * Operators that read indices, hand them out, or go along an axis in order. All of them wait until dims are bound: what
 * they compute may be sizes.
 */
import { bitsOf, type DataType } from '../../core/dtype.js';
import { attribute, intOf, stringOf } from '../../graph/attributes.js';
import type { Node, ValueType } from '../../graph/ir.js';
import { contradiction } from '../../graph/ops/context.js';
import { axisOf } from '../../graph/ops/dims.js';
import { numbersOf } from '../../graph/ops/movement.js';
import { argReduceKinds, type ScatterReduction, scatterReductions } from '../../runtime/kinds.js';
import type { NodeParams, StepName } from '../../runtime/steps.js';
import { addCast, contextAt, isBound } from './movement.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { type Rule, type Rules, unsupported } from './rules.js';

const halves: ReadonlySet<DataType> = new Set(['float16', 'bfloat16']);

/** x as a number, 16-bit floats as float32; undefined where it is none. */
function numberOf(to: Rewriting, x: string): string | undefined {
  const type = to.typeOf(x)?.type;
  if (type === undefined || type === 'bool' || bitsOf(type) < 8) return undefined;
  return halves.has(type) ? addCast(to, x, 'float32') : x;
}

/** The step of the node's own name and inputs, whose output has a known shape. */
function same<S extends StepName>(
  op: S,
  paramsOf: (node: Node, rank: number) => NodeParams<S>,
): Rule {
  return (site) => {
    const { graph, node } = site;
    const to = rewriting(site);
    const [x, y] = [to.typeOf(node.inputs[0]!), to.typeOf(node.outputs[0]!)];
    if (x?.dims === undefined || y?.dims === undefined) return undefined;
    if (!isBound(graph) || bitsOf(x.type) < 8) return undefined;
    const params = paramsOf(node, x.dims.length);
    if ('reduction' in params && params.reduction !== 0 && hasNoReductions(x.type)) {
      throw unsupported(site, `a reduction of ${x.type}`);
    }
    to.step(op, node.inputs, params, y, { output: node.outputs[0]! });
    return to.done(`lower ${node.name}`);
  };
}

function hasNoReductions(type: DataType): boolean {
  return type === 'bool' || halves.has(type);
}

function axisAttribute(node: Node, rank: number, fallback = 0): number {
  return axisOf(node, intOf(node, 'axis', fallback), rank);
}

function reductionOf(node: Node): number {
  const name = stringOf(node, 'reduction', 'none');
  if (Object.hasOwn(scatterReductions, name)) return scatterReductions[name as ScatterReduction];
  throw contradiction(node, 'unknown reduction', Object.keys(scatterReductions).join(', '), name);
}

const topK: Rule = (site) => {
  const { graph, node } = site;
  const to = rewriting(site);
  const [values, indices] = node.outputs as [string, string];
  const x = to.typeOf(node.inputs[0]!);
  const k = numbersOf(contextAt(site), 1)?.[0];
  if (k === undefined || x?.dims === undefined) return undefined;
  const number = isBound(graph) ? numberOf(to, node.inputs[0]!) : undefined;
  if (number === undefined) return undefined;
  const axis = axisAttribute(node, x.dims.length, -1);
  const y: ValueType = { type: x.type, dims: x.dims.with(axis, k) };
  const { type } = to.typeOf(number)!;
  const best = type === y.type && values !== '' ? values : site.fresh(`${node.name}/values`);
  to.steps(
    'TopK',
    [number],
    { axis, largest: intOf(node, 'largest', 1) },
    [
      { type, dims: y.dims },
      { type: 'int64', dims: y.dims },
    ],
    [best, indices === '' ? site.fresh(`${node.name}/indices`) : indices],
    { k: attribute.int(k) },
  );
  if (type !== y.type && values !== '') addCast(to, best, y.type, values);
  return to.done(`lower ${node.name}`);
};

const argReduce =
  (kind: keyof typeof argReduceKinds): Rule =>
  (site) => {
    const { graph, node } = site;
    const to = rewriting(site);
    const [output] = node.outputs as [string];
    const [x, y] = [to.typeOf(node.inputs[0]!)?.dims, to.typeOf(output)?.dims];
    if (x === undefined || y === undefined || !isBound(graph)) return undefined;
    const number = numberOf(to, node.inputs[0]!);
    if (number === undefined) return undefined;
    const axis = axisAttribute(node, x.length);
    if (x[axis] === 0 && !y.includes(0)) throw contradiction(node, 'nothing to choose from');
    const last = intOf(node, 'select_last_index', 0);
    const kept: ValueType = { type: 'int64', dims: x.with(axis, 1) };
    const keep = intOf(node, 'keepdims', 1) !== 0;
    const params = { kind: argReduceKinds[kind], axis, last: last === 0 ? 0 : 1 };
    const found = to.step('ArgReduce', [number], params, kept, {
      output: keep ? output : undefined,
    });
    if (!keep && to.reshape(found, y, output) === undefined) return undefined;
    return to.done(`lower ${node.name}`);
  };

/** Of 16-bit floats the sums are rounded at the end, to their type. */
const cumSum: Rule = (site) => {
  const { graph, node } = site;
  const to = rewriting(site);
  const [output] = node.outputs as [string];
  const y = to.typeOf(output);
  const given = numbersOf(contextAt(site), 1)?.[0];
  if (y?.dims === undefined || given === undefined || !isBound(graph)) return undefined;
  const number = numberOf(to, node.inputs[0]!);
  if (number === undefined) return undefined;
  const { type } = to.typeOf(number)!;
  const params = {
    axis: axisOf(node, given, y.dims.length),
    exclusive: intOf(node, 'exclusive', 0) === 0 ? 0 : 1,
    reverse: intOf(node, 'reverse', 0) === 0 ? 0 : 1,
  };
  const whole = type === y.type;
  const sums = to.step(
    'CumSum',
    [number],
    params,
    { ...y, type },
    { output: whole ? output : undefined },
  );
  if (!whole) addCast(to, sums, y.type, output);
  return to.done(`lower ${node.name}`);
};

export const indexRules: Rules = {
  GatherElements: same('GatherElements', (node, rank) => ({ axis: axisAttribute(node, rank) })),
  GatherND: same('GatherND', (node) => ({ batchDims: intOf(node, 'batch_dims', 0) })),
  ScatterElements: same('ScatterElements', (node, rank) => ({
    axis: axisAttribute(node, rank),
    reduction: reductionOf(node),
  })),
  ScatterND: same('ScatterND', (node) => ({ reduction: reductionOf(node) })),
  TopK: topK,
  ArgMax: argReduce('Max'),
  ArgMin: argReduce('Min'),
  CumSum: cumSum,
};
