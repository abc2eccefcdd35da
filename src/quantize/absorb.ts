/**
 * Bias absorption: where all that a channel holds behind a ReLU is more than some c > 0, c is taken from the bias in front
 * of the ReLU and given to the layer behind, as W·c to its bias. The channel then begins at 0, and its share of the steps
 * of the layer's activations is not spent on what it never holds. Scaling channels up by equalization makes such channels.
 *
 * Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.1.3, where
 * c = max(0, β − 3γ) comes from a batch norm. Here mean and deviation are those of the samples, and c is no more than the
 * least value among them, so that their answers stay as they are. An upper bound (ReLU6) comes down by c.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import { windowOf } from '../graph/ops/window.js';
import { applyPatch } from '../graph/patch.js';
import { anchorOf } from './anchor.js';
import type { Equalized } from './equalize.js';
import { type Layer, layerOf } from './layer.js';
import { type SampleRun, watch } from './samples.js';

/** Two layers, and what lies between them. */
interface Link {
  readonly first: Layer;
  readonly second: Layer;
  /** What bounds the channels from above, if anything does: a Min with one bound for each. */
  readonly bound: Node | undefined;
}

/** What moves from the bias of one layer into that of the next, by the names of their nodes. */
export interface Absorption {
  readonly first: string;
  readonly second: string;
  /** c for each channel, 0 or more. */
  readonly shares: Float32Array;
}

export interface Absorbed {
  readonly graph: Graph;
  readonly absorptions: readonly Absorption[];
}

/** Absorbs the biases between pairs of layers, where a ReLU alone or with a bound for each channel lies between them. */
export async function absorbBiases(
  graph: Graph,
  pairs: Equalized['pairs'],
  run: SampleRun,
): Promise<Absorbed> {
  const links = pairs.flatMap(({ first, second }) => linkOf(graph, first, second) ?? []);
  if (links.length === 0) return { graph, absorptions: [] };
  const shares = await sharesOf(graph, links, run);
  const absorptions = links
    .map(({ first, second }) => ({
      ...{ first: first.node.name, second: second.node.name },
      shares: Float32Array.from(shares.get(first.node)!),
    }))
    .filter((one) => one.shares.some((c) => c > 0));
  return { graph: moveBiases(graph, absorptions), absorptions };
}

/**
 * Moves shares of biases. Throws `INVALID_RECIPE` for two layers between which nothing can move, or a number of shares that
 * is not that of their channels.
 */
export function moveBiases(graph: Graph, absorptions: readonly Absorption[]): Graph {
  const biases = new Map<Node, Float64Array>();
  const biasOf = ({ node, bias, outputs }: Layer) => {
    const values = biases.get(node) ?? bias ?? new Float64Array(outputs);
    biases.set(node, values);
    return values;
  };
  const name = namesFor(graph);
  const constants: [string, Tensor][] = [];
  const constant = (wish: string, dims: readonly number[], data: Float32Array) => {
    const value = name(`${wish}_absorbed`);
    constants.push([value, { type: 'float32', dims, data }]);
    return value;
  };
  const replaced = new Map<Node, Node>();
  for (const { first: from, second: to, shares: share } of absorptions) {
    const link = linkOf(graph, from, to);
    if (link?.first.outputs !== share.length) {
      throw new OctavoError('INVALID_RECIPE', 'no biases to move', {
        where: `${from}, ${to}`,
        expected: link && `${link.first.outputs} shares`,
        found: link && String(share.length),
      });
    }
    const { first, second, bound } = link;
    const taken = biasOf(first);
    for (const [c, amount] of share.entries()) taken[c]! -= amount;
    const given = biasOf(second);
    for (const [i, weight] of second.weight.entries()) {
      given[second.outputOf[i]!]! += weight * share[second.inputOf[i]!]!;
    }
    if (bound === undefined) continue;
    const [x, limits] = bound.inputs as [string, string];
    const { dims, data } = graph.constants.get(limits) as Tensor<'float32'>;
    const lowered = data.map((limit, c) => limit - share[c]!);
    replaced.set(bound, { ...bound, inputs: [x, constant(limits, dims, lowered)] });
  }
  for (const [node, values] of biases) {
    const [x, weight, bias = node.name] = node.inputs as [string, string, string?];
    const value = constant(bias, [values.length], Float32Array.from(values));
    replaced.set(node, { ...node, inputs: [x, weight, value] });
  }
  if (replaced.size === 0) return graph;
  const what = 'absorb biases';
  return applyPatch(graph, {
    what,
    remove: [...replaced.keys()],
    add: [...replaced.values()],
    constants,
  });
}

function linkOf(graph: Graph, from: string, to: string): Link | undefined {
  const index = indexOf(graph);
  const layerCalled = (name: string) => {
    const node = graph.nodes.find((candidate) => candidate.name === name);
    return node && layerOf(graph, node);
  };
  const first = layerCalled(from);
  const second = layerCalled(to);
  if (first === undefined || second === undefined) return undefined;
  if (!mayTakeBias(graph, first.node) || !mayTakeBias(graph, second.node)) return undefined;
  // Padding is 0 and not −c.
  if (isPadded(second.node, second.dims)) return undefined;
  const [relu] = index.consumers(first.node.outputs[0]!);
  if (relu?.op !== 'Relu') return undefined;
  const [next] = index.consumers(relu.outputs[0]!);
  if (next === second.node) return { first, second, bound: undefined };
  if (next?.op !== 'Min' || next.inputs[0] !== relu.outputs[0]) return undefined;
  const limits = graph.constants.get(next.inputs[1] ?? '');
  const isByChannel = limits?.type === 'float32' && limits.data.length === first.outputs;
  if (!isByChannel || index.consumers(next.inputs[1]!).length > 1) return undefined;
  if (index.consumers(next.outputs[0]!)[0] !== second.node) return undefined;
  return { first, second, bound: next };
}

function mayTakeBias(graph: Graph, node: Node): boolean {
  return anchorOf(graph, node)?.hasBiasInput === true;
}

function isPadded(node: Node, dims: readonly number[]): boolean {
  // Of a transposed convolution, results differ in the weights that they are a sum with.
  if (node.op !== 'Conv') return node.op === 'ConvTranspose';
  const { padsBefore, padsAfter, autoPad } = windowOf(node, dims.slice(2));
  return autoPad.startsWith('SAME') || [...padsBefore, ...padsAfter].some((pad) => pad > 0);
}

/** c for each channel of what the first layers write, by their nodes. */
async function sharesOf(
  graph: Graph,
  links: readonly Link[],
  { samples, ...run }: SampleRun,
): Promise<ReadonlyMap<Node, Float64Array>> {
  const tallies = links.map(({ first, bound }) => ({
    first,
    limits: bound && graph.constants.get(bound.inputs[1]!)!.data,
    value: first.node.outputs[0]!,
    count: 0,
    sums: new Float64Array(first.outputs),
    squares: new Float64Array(first.outputs),
    least: new Float64Array(first.outputs).fill(Number.POSITIVE_INFINITY),
  }));
  const values = tallies.map(({ value }) => value);
  for await (const { tensors } of watch(graph, values, samples, run)) {
    for (const tally of tallies) {
      const { data, dims } = tensors[tally.value]!;
      const { outputs } = tally.first;
      const inner = dims.slice(2).reduce((a, b) => a * b, 1);
      for (let i = 0; i < data.length; i++) {
        const c = Math.floor(i / inner) % outputs;
        const x = Number(data[i]);
        tally.sums[c]! += x;
        tally.squares[c]! += x * x;
        if (x < tally.least[c]!) tally.least[c] = x;
      }
      tally.count += data.length / outputs;
    }
  }
  return new Map(
    tallies.map(({ first, limits, count, sums, squares, least }) => {
      const share = sums.map((sum, c) => {
        const mean = sum / count;
        const deviation = Math.sqrt(Math.max(squares[c]! / count - mean * mean, 0));
        const limit = Number(limits?.[c] ?? Number.POSITIVE_INFINITY);
        return Math.max(Math.min(mean - 3 * deviation, least[c]!, limit), 0);
      });
      return [first.node, share] as const;
    }),
  );
}
