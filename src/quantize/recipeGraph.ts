/** What a recipe names, looked up in the float graph, the changes that it makes to that graph first, and rounded weights. */
import { OctavoError } from '../core/errors.js';
import { elementCount } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import type { Graph, Node } from '../graph/ir.js';
import { moveBiases } from './absorb.js';
import { type Anchor, anchorOf } from './anchor.js';
import { movedBySteps, stepTypeOf } from './codeSteps.js';
import { scaleChannels } from './equalize.js';
import { unpackNumbers } from './packedNumbers.js';
import type { PackedNumbers, StaticRecipe } from './recipe.js';
import { smoothBy } from './smoothFold.js';
import { type QuantizedWeight, weightSqnr } from './weights.js';

/** Equalizes, absorbs biases, then smooths. Throws `INVALID_RECIPE`. */
export function changedGraph(
  float: Graph,
  { equalized, absorbed, smoothed }: Pick<StaticRecipe, 'equalized' | 'absorbed' | 'smoothed'>,
): Graph {
  const outputsOf = (name: string, where: string) => {
    const { anchor } = layerCalled(float, name, `${where}.first`);
    return anchor.weightTensor.dims[anchor.channelAxis]!;
  };
  const pairs = equalized.map(({ first, second, scales }, i) => {
    const where = `recipe.equalized[${i}]`;
    const count = outputsOf(first, where);
    return { first, second, scales: factorsOf(scales, count, `${where}.scales`) };
  });
  const moves = absorbed.map(({ first, second, shares }, i) => {
    const where = `recipe.absorbed[${i}]`;
    const count = outputsOf(first, where);
    return { first, second, shares: factorsOf(shares, count, `${where}.shares`, 0) };
  });
  const products = smoothed.map(({ value, nodes, factors }, i) => {
    const where = `recipe.smoothed[${i}]`;
    const { anchor } = layerCalled(float, nodes[0]!, `${where}.nodes[0]`);
    const count = anchor.weightTensor.dims[1 - anchor.channelAxis]!;
    return { value, nodes, factors: factorsOf(factors, count, `${where}.factors`) };
  });
  return smoothBy(moveBiases(scaleChannels(float, pairs), moves), products);
}

function factorsOf(
  packed: PackedNumbers,
  count: number,
  where: string,
  least = Number.MIN_VALUE,
): Float32Array {
  const factors = unpackNumbers('float32', packed, count, where);
  const wrong = factors.find((factor) => !(factor >= least && factor < Infinity));
  if (wrong === undefined) return factors;
  const expected = least > 0 ? 'positive numbers' : 'numbers from 0';
  const details = { where, expected, found: String(wrong) };
  throw new OctavoError('INVALID_RECIPE', 'no factors', details);
}

/** A weight that was rounded otherwise than to the nearest codes. Throws `INVALID_RECIPE`, naming `where`. */
export function roundedWeight(
  { dims, data: values }: Tensor<'float32'>,
  { data: nearest, params }: QuantizedWeight,
  packed: PackedNumbers,
  where: string,
): QuantizedWeight {
  const steps = unpackNumbers(stepTypeOf(params.type), packed, elementCount(dims), where);
  const data = movedBySteps(nearest, steps, where);
  return { data, params, sqnr: weightSqnr(values, data, params) };
}

/** Throws `INVALID_RECIPE` for a node that is not there, or has no weight to quantize. */
export function layerCalled(
  graph: Graph,
  name: string,
  where: string,
): { readonly node: Node; readonly anchor: Anchor } {
  const node = nodeCalled(graph, name, where);
  const anchor = anchorOf(graph, node);
  if (anchor !== undefined) return { node, anchor };
  throw new OctavoError('INVALID_RECIPE', 'a node without a weight to quantize', {
    where,
    expected: 'a Conv, Gemm or MatMul with a constant weight',
    found: `${node.op} '${name}'`,
  });
}

/** Throws `INVALID_RECIPE` for a node that is not there. */
export function nodeCalled(graph: Graph, name: string, where: string): Node {
  const node = graph.nodes.find((candidate) => candidate.name === name);
  if (node !== undefined) return node;
  throw new OctavoError('INVALID_RECIPE', 'no such node', { where, found: `'${name}'` });
}
