/** What a layer hands on: its outputs behind the functions through which alone they are read. */
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { unaryFunctions } from '../numerics/functions.js';
import { unaryOf } from '../passes/lower/elementwise.js';
import type { UnaryKind } from '../runtime/kinds.js';

/** A function of the numbers in one channel, which never falls but by little (as HardSwish does). */
export type ChannelFunction = (x: number) => number;

const rising: ReadonlySet<UnaryKind> = new Set([
  ...(['Clip', 'LeakyRelu', 'Elu', 'HardSwish', 'Gelu', 'GeluTanh', 'Softplus'] as const),
  ...(['Sigmoid', 'HardSigmoid', 'Tanh'] as const),
]);

/** The functions behind the node, one after the other, for each channel along axis 1; undefined where there is none. */
export function functionsBehind(
  graph: Graph,
  node: Node,
  channels: number,
): readonly ChannelFunction[] | undefined {
  const index = indexOf(graph);
  let functions: readonly ChannelFunction[] | undefined;
  let value = node.outputs[0]!;
  for (;;) {
    const [reader, another] = index.consumers(value);
    if (reader === undefined || another !== undefined || index.isOutput(value)) return functions;
    const next = functionsOf(graph, reader, channels);
    if (next === undefined) return functions;
    const inner = functions;
    functions = inner === undefined ? next : next.map((f, c) => (x) => f(inner[c]!(x)));
    value = reader.outputs[0]!;
  }
}

function functionsOf(
  graph: Graph,
  node: Node,
  channels: number,
): readonly ChannelFunction[] | undefined {
  const unary = unaryOf({ graph, index: indexOf(graph), node, fresh: (wish) => wish });
  if (unary !== undefined && rising.has(unary.kind)) {
    const { kind, alpha, beta } = unary;
    const apply = unaryFunctions[kind];
    return Array.from({ length: channels }, () => (x) => apply(x, alpha, beta));
  }
  // What equalizing leaves of a Clip.
  const bounds = graph.constants.get(node.inputs[1] ?? '');
  if (node.domain !== '' || node.op !== 'Min' || node.inputs.length !== 2) return undefined;
  if (bounds?.type !== 'float32' || bounds.dims[0] !== channels) return undefined;
  if (bounds.data.length !== channels) return undefined;
  return Array.from(bounds.data as Float32Array, (bound) => (x: number) => Math.min(x, bound));
}
