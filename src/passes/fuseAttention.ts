/**
 * Attention as one step. What exporters write for each head of [B, S, heads, D]:
 *
 *     softmax(scale · transpose(q) · transpose(k)ᵀ + mask) · transpose(v), transposed back
 *
 * The scale is a constant that multiplies or divides q, k or their product; the mask is added behind it.
 * `Attention` reads heads where they lie, so all of the transpositions go. It runs on Octavo's own nodes,
 * when a model is loaded or, where only then heads are known, when its inputs' dims are bound.
 */
import { intOf, intsOf } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/ir.js';
import { broadcastDims, type Dims, equalDims, equalShapes } from '../graph/ops/dims.js';
import { binaryKinds } from '../runtime/kinds.js';
import { isUnbounded } from './fuseActivation.js';
import { rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import { composed } from './lower/shapes.js';
import { dimsOf, isFloat32, uniformOf } from './match.js';

const headsFirst = '0,2,1,3';

function producerOf({ index }: Site, value: string, op: string): Node | undefined {
  const node = index.producer(value);
  return node?.domain === 'octavo' && node.op === op ? node : undefined;
}

/** The producer of a value that nothing else reads. */
function soleProducerOf(site: Site, value: string, op: string): Node | undefined {
  const only = onlyConsumer(site, value) !== undefined;
  return only ? producerOf(site, value, op) : undefined;
}

interface Scaled {
  readonly node: Node;
  readonly x: string;
  readonly factor: number;
}

/** x · factor or x / divisor, of one constant number that does not make x larger. */
function scaledBy(site: Site, value: string): Scaled | undefined {
  const { graph } = site;
  const node = producerOf(site, value, 'Binary');
  if (node === undefined) return undefined;
  const kind = intOf(node, 'kind', -1);
  const [a, b] = node.inputs as [string, string];
  const of = (constant: string, x: string): number | undefined =>
    equalShapes(dimsOf(graph, x), dimsOf(graph, value)) ? uniformOf(graph, constant) : undefined;
  const right = of(b, a);
  if (kind !== binaryKinds.Mul && kind !== binaryKinds.Div) return undefined;
  const divides = kind === binaryKinds.Div;
  if (right !== undefined) return { node, x: a, factor: divides ? 1 / right : right };
  if (divides) return undefined;
  const left = of(a, b);
  return left === undefined ? undefined : { node, x: b, factor: left };
}

interface Heads {
  /** [B, S, heads, D] */
  readonly x: string;
  readonly dims: readonly [Dim, Dim, number, number];
  readonly factor: number;
}

/** What `value`, an operand of a product, is a transposition of, scaled on the way or not. */
function headsOf(site: Site, value: string, perm: readonly number[]): Heads | undefined {
  let [x, order, factor] = [value, perm, 1];
  for (;;) {
    const transpose = producerOf(site, x, 'Transpose');
    const scaled = scaledBy(site, x);
    if (transpose !== undefined) {
      const inner = intsOf(transpose, 'perm')!;
      if (inner.length !== 4) return undefined;
      [x, order] = [transpose.inputs[0]!, composed(inner, order)];
    } else if (scaled !== undefined) {
      [x, factor] = [scaled.x, factor * scaled.factor];
    } else {
      break;
    }
  }
  const dims = dimsOf(site.graph, x);
  if (order.join() !== headsFirst || dims?.length !== 4) return undefined;
  if (!isFloat32(site.graph, x)) return undefined;
  const [batch, length, heads, depth] = dims;
  if (typeof heads !== 'number' || typeof depth !== 'number') return undefined;
  return heads < 1 || depth < 1 ? undefined : { x, dims: [batch, length, heads, depth], factor };
}

interface Scores {
  readonly nodes: readonly Node[];
  readonly product: Node;
  readonly factor: number;
  readonly mask: string | undefined;
}

/** Products, scaled or not, masked or not. */
function scoresOf(site: Site, value: string): Scores | undefined {
  const { graph } = site;
  const dims = dimsOf(graph, value);
  const sum = soleProducerOf(site, value, 'Binary');
  const added = sum !== undefined && intOf(sum, 'kind', -1) === binaryKinds.Add;
  const ways = added ? [sum.inputs, [...sum.inputs].reverse()] : [[value]];
  for (const [x, mask] of ways as [string, string?][]) {
    if (mask !== undefined && !equalShapes(dimsOf(graph, x), dims)) continue;
    const scaled = onlyConsumer(site, x) === undefined ? undefined : scaledBy(site, x);
    const product = soleProducerOf(site, scaled?.x ?? x, 'MatMul');
    if (product === undefined || !isUnbounded(product)) continue;
    const bias = product.inputs[2];
    if (bias !== undefined && (mask !== undefined || scaled !== undefined)) continue;
    return {
      nodes: [...(added ? [sum] : []), ...(scaled ? [scaled.node] : []), product],
      product,
      factor: scaled?.factor ?? 1,
      mask: mask ?? bias,
    };
  }
  return undefined;
}

/** Whether a mask of these dims is read as it is by scores of [B, heads, Q, K]. */
function isMask(site: Site, mask: string | undefined, scores: Dims): boolean {
  if (mask === undefined) return true;
  const dims = dimsOf(site.graph, mask);
  if (dims === undefined || dims.length > 4) return false;
  return equalShapes(broadcastDims(site.node, dims, scores), scores);
}

const transposedBack: Rule = (site) => {
  const { node } = site;
  const [attended] = node.inputs as [string];
  const output = node.outputs[0]!;
  if (intsOf(node, 'perm')!.join() !== headsFirst) return undefined;
  const summing = soleProducerOf(site, attended, 'MatMul');
  if (summing === undefined || !isUnbounded(summing) || summing.inputs.length > 2) return undefined;
  if (intOf(summing, 'transposeA', 0) !== 0) return undefined;
  const softmax = soleProducerOf(site, summing.inputs[0]!, 'Softmax');
  const scores = softmax && scoresOf(site, softmax.inputs[0]!);
  if (softmax === undefined || scores === undefined) return undefined;
  const { product } = scores;

  const straight = [0, 1, 2, 3];
  const turned = [0, 1, 3, 2];
  const operand = (of: Node, i: number, flag: string, wanted: number): Heads | undefined =>
    headsOf(site, of.inputs[i]!, intOf(of, flag, 0) === wanted ? straight : turned);
  const q = operand(product, 0, 'transposeA', 0);
  const k = operand(product, 1, 'transposeB', 1);
  const v = operand(summing, 1, 'transposeB', 0);
  if (q === undefined || k === undefined || v === undefined || v.factor !== 1) return undefined;
  const [batch, queries, heads, depth] = q.dims;
  const [, keys, , width] = v.dims;
  if (!equalShapes(k.dims, [batch, keys, heads, depth])) return undefined;
  if (!equalShapes(v.dims, [batch, keys, heads, width]) || !equalDims(queries, queries)) {
    return undefined;
  }
  if (!isMask(site, scores.mask, [batch, heads, queries, keys])) return undefined;

  const to = rewriting(site);
  const flat = [q, k, v].map(({ x, dims: [b, length, , each] }) =>
    to.reshape(x, [b, length, heads * each]),
  );
  if (flat.includes(undefined)) return undefined;
  to.remove(...scores.nodes, softmax, summing);
  const inputs = [...(flat as string[]), ...(scores.mask === undefined ? [] : [scores.mask])];
  const scale = Math.fround(q.factor * k.factor * scores.factor);
  if (!Number.isFinite(scale)) return undefined;
  const type = { type: 'float32', dims: [batch, queries, heads * width] } as const;
  const y = to.step('Attention', inputs, { heads, scale }, type);
  if (to.reshape(y, [batch, queries, heads, width], output) === undefined) return undefined;
  return to.done(`attention of ${softmax.name}`);
};

export const fuseAttention = rulePass('fuse attention', { 'octavo:Transpose': transposedBack });
