/**
 * Where a graph is quantized: which nodes compute in integers, which values therefore pass through a
 * QuantizeLinear / DequantizeLinear pair, and which values share parameters.
 *
 * Anchors (convolutions and matrix products with constant weights) are what quantizing is for. Carriers
 * (additions, concatenations, pooling, lookups) follow when integers come in and are wanted behind;
 * movers (reshapes, slices, max pooling) keep the integers and their scale as they are. A value is quantized
 * when an integer node reads it. What nothing quantized reads stays float: so logits are never rounded,
 * let alone clipped, and the last anchor hands its accumulator out in float.
 *
 * An activation directly behind an anchor or an addition belongs to it: the pair goes behind the
 * activation, and the two stay one step.
 */
import type { Graph, Node } from '../graph/ir.js';
import { indexOf } from '../graph/ir.js';
import { anchorOf, isMatrixProduct } from './anchor.js';

/** One set of values with common parameters. */
export interface ValueGroup {
  /** The value whose range decides. */
  readonly source: string;
  /** True when no anchor lies between the value and a graph output: it is never clipped. */
  readonly feedsOutput: boolean;
  readonly values: readonly string[];
}

export interface Placement {
  /** Anchors that compute in integers. */
  readonly anchors: readonly Node[];
  /** All nodes that compute in integers or keep them, fused activations included. */
  readonly integerNodes: ReadonlySet<Node>;
  readonly groups: readonly ValueGroup[];
}

const movers = new Set([
  'MaxPool',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Slice',
  'Pad',
]);
const pools = new Set(['MaxPool', 'AveragePool', 'GlobalAveragePool']);
const clamps = new Set(['Relu', 'Clip']);

export function placeQuantization(graph: Graph, selected: ReadonlySet<Node>): Placement {
  const index = indexOf(graph);
  const isAnchor = (node: Node) => selected.has(node) && anchorOf(graph, node) !== undefined;
  const fused = fusedActivations(graph, selected, isAnchor);
  const isCarrier = (node: Node) =>
    selected.has(node) && !isAnchor(node) && !isWeighted(node) && isFloatCarrier(graph, node);

  // Forwards: values that come, possibly through carriers, from an anchor.
  const integerBorn = new Set<string>();
  for (const node of graph.nodes) {
    if (
      isAnchor(node) ||
      (isCarrier(node) && node.inputs.some((input) => integerBorn.has(input)))
    ) {
      for (const output of node.outputs) integerBorn.add(output);
    }
  }

  // Backwards: values that an integer node reads. Between a node and the activation fused to it there is
  // no integer value, but the node is needed all the same.
  const integerNodes = new Set<Node>();
  const wanted = new Set<string>();
  const insideStep = new Set<string>();
  for (const node of [...graph.nodes].reverse()) {
    const anchor = isAnchor(node);
    const born = node.inputs.some((input) => integerBorn.has(input));
    const needed =
      pools.has(node.op) ||
      node.outputs.some((output) => wanted.has(output) || insideStep.has(output));
    if (!anchor && !(isCarrier(node) && born && needed)) continue;
    integerNodes.add(node);
    const reads = fused.has(node) ? insideStep : wanted;
    for (const input of dataInputs(graph, node)) reads.add(input);
  }

  const groups = groupValues(graph, integerNodes, wanted, fused);
  // A layer that stays in float decides as little by extremes as one that does not.
  const feedsOutput = valuesFeedingOutputs(graph, (node) => anchorOf(graph, node) !== undefined);
  return {
    anchors: graph.nodes.filter(isAnchor),
    integerNodes,
    groups: groups.map(({ source, values }) => ({
      source,
      values,
      feedsOutput: values.some((value) => feedsOutput.has(value)) || index.isOutput(source),
    })),
  };
}

/** Activations that read the only use of an anchor's or an addition's output. */
function fusedActivations(
  graph: Graph,
  selected: ReadonlySet<Node>,
  isAnchor: (node: Node) => boolean,
): ReadonlySet<Node> {
  const index = indexOf(graph);
  return new Set(
    graph.nodes.filter((node) => {
      if (!clamps.has(node.op) || !selected.has(node)) return false;
      const input = node.inputs[0]!;
      const producer = index.producer(input);
      return (
        producer !== undefined &&
        (isAnchor(producer) || (producer.op === 'Add' && selected.has(producer))) &&
        index.consumers(input).length === 1 &&
        !index.isOutput(input) &&
        node.inputs.slice(1).every((bound) => bound === '' || graph.constants.has(bound))
      );
    }),
  );
}

function isWeighted(node: Node): boolean {
  return node.op === 'Conv' || node.op === 'ConvTranspose' || isMatrixProduct(node);
}

/** Whether the node works on float32 activations, with its other inputs constant where they must be. */
function isFloatCarrier(graph: Graph, node: Node): boolean {
  const isFloat = (value: string) => {
    const type = graph.constants.get(value)?.type ?? graph.types.get(value)?.type;
    return type === 'float32';
  };
  if (node.outputs.filter((output) => output !== '').length !== 1) return false;
  if (!isFloat(node.outputs[0]!)) return false;
  switch (node.op) {
    case 'Add':
    case 'Mul':
    case 'Concat':
      return node.inputs.every(isFloat);
    default:
      // Everything but the data (shapes, bounds, axes) must be known beforehand.
      return (
        isFloat(node.inputs[0]!) &&
        !graph.constants.has(node.inputs[0]!) &&
        node.inputs.slice(1).every((input) => input === '' || graph.constants.has(input))
      );
  }
}

/** Inputs that hold activations: not weights, biases, bounds or shapes. */
export function dataInputs(graph: Graph, node: Node): readonly string[] {
  if (node.op === 'Add' || node.op === 'Mul' || node.op === 'Concat') return node.inputs;
  const anchor = anchorOf(graph, node);
  return [anchor === undefined ? node.inputs[0]! : anchor.data];
}

/** Joins values that keep their integers: around movers, and into a concatenation. */
function groupValues(
  graph: Graph,
  integerNodes: ReadonlySet<Node>,
  wanted: ReadonlySet<string>,
  fused: ReadonlySet<Node>,
): { source: string; values: string[] }[] {
  const index = indexOf(graph);
  const sourceOf = new Map<string, string>();
  const find = (value: string): string => {
    let source = value;
    for (let next = sourceOf.get(source); next !== undefined; next = sourceOf.get(source)) {
      source = next;
    }
    return source;
  };
  const join = (value: string, source: string) => {
    const from = find(value);
    const to = find(source);
    if (from !== to) sourceOf.set(from, to);
  };
  for (const node of graph.nodes) {
    if (!integerNodes.has(node)) continue;
    const output = node.outputs[0]!;
    if (!wanted.has(output)) continue;
    if (movers.has(node.op) && keepsRange(graph, node)) join(output, node.inputs[0]!);
    if (node.op !== 'Concat') continue;
    for (const input of node.inputs) {
      // An input with other readers, or one that carries another's scale, keeps its own.
      const producer = index.producer(input);
      const ownScale = producer !== undefined && !movers.has(producer.op);
      const isOnlyUse = index.consumers(input).length === 1 && !index.isOutput(input);
      if (ownScale && isOnlyUse && (integerNodes.has(producer) || fused.has(producer))) {
        join(input, output);
      }
    }
  }
  // In the order of computation: what is wrong with a sample is then found where it begins.
  const ordered = [
    ...graph.inputs,
    ...graph.constants.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ].filter((value) => wanted.has(value));
  const groups = new Map<string, string[]>();
  for (const value of ordered) {
    const source = find(value);
    const values = groups.get(source);
    if (values === undefined) groups.set(source, [value]);
    else values.push(value);
  }
  return [...groups].map(([source, values]) => ({ source, values }));
}

/** A Pad with another value than 0 brings in values that its input may not hold. */
function keepsRange(graph: Graph, node: Node): boolean {
  if (node.op !== 'Pad') return true;
  const value = node.inputs[2];
  if (value === undefined || value === '') return true;
  const data = graph.constants.get(value)?.data;
  return data !== undefined && Number(data[0]) === 0;
}

/** Values from which a graph output is reached without passing an anchor. */
function valuesFeedingOutputs(graph: Graph, isAnchor: (node: Node) => boolean): Set<string> {
  const values = new Set(graph.outputs.map((output) => output.value));
  for (const node of [...graph.nodes].reverse()) {
    if (isAnchor(node) || !node.outputs.some((output) => values.has(output))) continue;
    for (const input of node.inputs) values.add(input);
  }
  return values;
}
