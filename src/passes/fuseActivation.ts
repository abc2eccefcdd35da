/**
 * What float products do while they store their result: a clamp behind a Conv, MatMul or QConv becomes
 * its bounds, a constant added behind a MatMul its bias. And what steps can do while they read: a
 * flattened image in another layout is read as it lies, by a weight whose rows have been put in its
 * order; rows are quantized as a function makes them.
 */
import type { Tensor } from '../core/tensor.js';
import { attribute, floatOf, intOf, intsOf } from '../graph/attributes.js';
import { type Dim, type Node, typeOf } from '../graph/ir.js';
import { equalShapes } from '../graph/ops/dims.js';
import { binaryKinds, unaryKinds } from '../runtime/kinds.js';
import { leavesAsIs, type StepParams } from '../runtime/steps.js';
import { attributesOf, rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import { inverseOf, permuteTensor } from './lower/shapes.js';

const bounded = new Set(['Conv', 'MatMul', 'QConv', 'QConvDynamic']);

/** The step, if it is the value's producer, and the site's node its only reader. */
function producerBefore(site: Site, value: string, ops: ReadonlySet<string>): Node | undefined {
  const producer = site.index.producer(value);
  if (producer?.domain !== 'octavo' || !ops.has(producer.op)) return undefined;
  return onlyConsumer(site, value) === site.node ? producer : undefined;
}

/** Whether a product has no clamp. */
export function isUnbounded(node: Node): boolean {
  return (
    floatOf(node, 'lower', 0) === Number.NEGATIVE_INFINITY &&
    floatOf(node, 'upper', 0) === Number.POSITIVE_INFINITY
  );
}

const clamp: Rule = (site) => {
  const { graph, node } = site;
  const [x] = node.inputs as [string];
  const producer = producerBefore(site, x, bounded);
  if (intOf(node, 'kind', -1) !== unaryKinds.Clip || producer === undefined) return undefined;
  if (!isUnbounded(producer) || typeOf(graph, x)?.type !== 'float32') return undefined;
  const to = rewriting(site);
  to.remove(producer);
  const attributes = new Map([
    ...producer.attributes,
    ['lower', attribute.float(floatOf(node, 'alpha', 0))],
    ['upper', attribute.float(floatOf(node, 'beta', 0))],
  ] as const);
  const output = node.outputs[0]!;
  to.node({ ...producer, attributes }, typeOf(graph, output)!, output);
  return to.done(`clamp in ${producer.name}`);
};

const bias: Rule = (site) => {
  const { graph, node } = site;
  if (intOf(node, 'kind', -1) !== binaryKinds.Add) return undefined;
  const output = node.outputs[0]!;
  for (const [x, other] of [node.inputs, [...node.inputs].reverse()] as [string, string][]) {
    const producer = producerBefore(site, x, new Set(['MatMul']));
    if (producer === undefined || producer.inputs.length > 2 || !isUnbounded(producer)) continue;
    // The sum must not be larger than the product.
    const kept = equalShapes(typeOf(graph, x)?.dims, typeOf(graph, output)?.dims);
    if (!graph.constants.has(other) || !kept) continue;
    const to = rewriting(site);
    to.remove(producer);
    const inputs = [...producer.inputs, other];
    to.node({ ...producer, inputs }, typeOf(graph, output)!, output);
    return to.done(`add in ${producer.name}`);
  }
  return undefined;
};

/** A value flattened to rows [N, …, K] from a Transpose that keeps axis 0. */
interface Flattened {
  readonly source: string;
  /** Where each element of a source row lies in the flattened row. */
  readonly order: Int32Array;
}

function flattenedFrom(site: Site, value: string): Flattened | undefined {
  const { graph, index } = site;
  const reshape = index.producer(value);
  if (reshape?.op !== 'Reshape' || reshape.domain !== 'octavo') return undefined;
  const turned = reshape.inputs[0]!;
  const transpose = index.producer(turned);
  if (transpose?.op !== 'Transpose' || transpose.domain !== 'octavo') return undefined;
  const perm = intsOf(transpose, 'perm')!;
  const dims = typeOf(graph, turned)?.dims;
  const flat = typeOf(graph, value)?.dims;
  if (perm[0] !== 0 || dims === undefined || flat === undefined) return undefined;
  const row = dims.slice(1);
  if (!row.every((dim): dim is number => typeof dim === 'number')) return undefined;
  const length = row.reduce((product, dim) => product * dim, 1);
  if (!isRow(flat, length)) return undefined;
  // Numbers in flattened order, put where the source has them.
  const numbers = { type: 'int32', dims: row, data: Int32Array.from({ length }, (_, i) => i) };
  const back = inverseOf(perm.slice(1).map((axis) => axis - 1));
  const order = permuteTensor(numbers as Tensor, back).data as Int32Array;
  return { source: transpose.inputs[0]!, order };
}

/** Whether dims are [N, 1, …, 1, length], so that axis 0 is all that is left of the rows. */
function isRow(dims: readonly Dim[], length: number): boolean {
  return dims.length >= 2 && dims.at(-1) === length && dims.slice(1, -1).every((dim) => dim === 1);
}

/** QConv of a row, weight [O, 1, 1, K]; MatMul of rows, b [K, N]. */
const readAsItLies: Rule = (site) => {
  const { graph, node } = site;
  const [x, w, ...rest] = node.inputs as [string, string, ...string[]];
  const weight = graph.constants.get(w);
  const flat = weight && flattenedFrom(site, x);
  if (weight === undefined || flat === undefined) return undefined;
  const { order, source } = flat;
  const depth = order.length;
  let moved: Tensor;
  if (node.op === 'QConv') {
    if (intOf(node, 'groups', 0) !== 1 || !isRow(weight.dims, depth)) return undefined;
    moved = gathered(weight, (i) => i - (i % depth) + order[i % depth]!);
  } else {
    const straight = intOf(node, 'transposeA', 1) === 0 && intOf(node, 'transposeB', 1) === 0;
    if (!straight || weight.dims.length !== 2 || weight.dims[0] !== depth) return undefined;
    const columns = weight.dims[1]!;
    moved = gathered(weight, (i) => order[Math.floor(i / columns)]! * columns + (i % columns));
  }
  const to = rewriting(site);
  const { type, dims } = to.typeOf(x)!;
  const row = to.reshape(source, dims!);
  if (row === undefined || type !== to.typeOf(source)?.type) return undefined;
  const inputs = [row, to.constant(`${w}/reordered`, moved), ...rest];
  const { op, domain, attributes } = node;
  const output = node.outputs[0]!;
  to.node({ op, domain, inputs, attributes }, typeOf(graph, output)!, output);
  return to.done(`read the image of ${node.name} as it lies`);
};

function gathered(weight: Tensor, from: (i: number) => number): Tensor {
  const old = weight.data as Int8Array | Float32Array;
  return { ...weight, data: old.map((_, i) => old[from(i)]!) } as Tensor;
}

/** A MatMul reads an operand whose last two axes change places with its own flag. */
const readTransposed: Rule = (site) => {
  const { graph, index, node } = site;
  const flags = ['transposeA', 'transposeB'];
  for (const [i, flag] of flags.entries()) {
    const producer = index.producer(node.inputs[i]!);
    if (producer?.op !== 'Transpose' || producer.domain !== 'octavo') continue;
    const perm = intsOf(producer, 'perm')!;
    const rank = perm.length;
    const swaps = perm.every((axis, at) => axis === (at < rank - 2 ? at : 2 * rank - 3 - at));
    if (!swaps) continue;
    const to = rewriting(site);
    const inputs = node.inputs.map((input, at) => (at === i ? producer.inputs[0]! : input));
    const turned = attribute.int(1 - intOf(node, flag, 0));
    const attributes = new Map([...node.attributes, [flag, turned] as const]);
    const output = node.outputs[0]!;
    to.node({ ...node, inputs, attributes }, typeOf(graph, output)!, output);
    return to.done(`read ${producer.name} by ${flag}`);
  }
  return undefined;
};

/** A function that only rows to be quantized read is applied on the way. */
const applied: Rule = (site) => {
  const { graph, index, node } = site;
  const [rows] = node.inputs as [string];
  if (!leavesAsIs(functionOf(node)) || onlyConsumer(site, rows) !== node) return undefined;
  const reshape = index.producer(rows);
  const moved = reshape?.domain === 'octavo' && reshape.op === 'Reshape' ? reshape : undefined;
  const value = moved?.inputs[0] ?? rows;
  if (moved !== undefined && onlyConsumer(site, value) !== moved) return undefined;
  const unary = index.producer(value);
  if (unary?.domain !== 'octavo' || unary.op !== 'Unary') return undefined;
  const to = rewriting(site);
  const [x] = unary.inputs as [string];
  const source = moved === undefined ? x : to.reshape(x, typeOf(graph, rows)!.dims!);
  if (source === undefined) return undefined;
  to.remove(unary, ...(moved === undefined ? [] : [moved]));
  const attributes = new Map([
    ...node.attributes,
    ...attributesOf('DynamicQuantizeRows', functionOf(unary)),
  ]);
  to.nodes(
    { ...node, inputs: [source], attributes },
    node.outputs.map((output) => typeOf(graph, output)!),
  );
  return to.done(`apply ${unary.name} in ${node.name}`);
};

function functionOf(node: Node): StepParams<'Unary'> {
  return {
    kind: intOf(node, 'kind', -1),
    alpha: floatOf(node, 'alpha', 0),
    beta: floatOf(node, 'beta', 0),
  };
}

export const fuseActivation = rulePass('fuse into products', {
  'octavo:Unary': clamp,
  'octavo:Binary': bias,
  'octavo:QConv': readAsItLies,
  'octavo:DynamicQuantizeRows': applied,
  'octavo:MatMul': (site) => readAsItLies(site) ?? readTransposed(site),
});
