/**
 * Patches: the only way to change a graph. A patch says what to remove, what to add and which values
 * take the place of which; `applyPatch` makes the new graph, sorts it, and drops constants that
 * nothing reads any more. The old graph stays as it was.
 *
 * A patch costs a walk over the graph or two, mostly in code that no engine has optimized yet: these are plain loops.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node, type ValueType } from './ir.js';

export interface Patch {
  /** One line for traces and errors: what is done, and to which node. */
  readonly what: string;
  readonly remove?: Iterable<Node>;
  readonly add?: Iterable<Node>;
  readonly constants?: Iterable<readonly [string, Tensor]>;
  /** Types of values that are new, or now known better. */
  readonly types?: Iterable<readonly [string, ValueType]>;
  /**
   * Readers of the first value, graph outputs included, read the second instead. Added nodes are taken
   * as they are, so that one of them may go on reading the first.
   */
  readonly replace?: Iterable<readonly [string, string]>;
}

/** A graph as a patch made it, and what of it is new. */
export interface Patched {
  readonly graph: Graph;
  /** Nodes that were added, or read other values than before. */
  readonly nodes: readonly Node[];
  readonly removed: ReadonlySet<Node>;
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly types: ReadonlyMap<string, ValueType>;
}

/** Applies a patch; throws `INVALID_GRAPH` when the result has a cycle or a name twice. */
export function applyPatch(graph: Graph, patch: Patch): Graph {
  return patched(graph, patch).graph;
}

/** The same, telling what is new. */
export function patched(graph: Graph, patch: Patch): Patched {
  const removed = new Set(patch.remove);
  const replacement = new Map(patch.replace);
  const resolve = (value: string): string => {
    let current = value;
    for (let hops = replacement.size; hops >= 0; hops--) {
      const next = replacement.get(current);
      if (next === undefined) return current;
      current = next;
    }
    throw new OctavoError('INVALID_GRAPH', 'values replace each other in a circle', {
      where: value,
    });
  };
  const readers = new Set<Node>();
  for (const value of replacement.keys()) {
    for (const node of indexOf(graph).consumers(value)) readers.add(node);
  }
  const fresh: Node[] = [];
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (removed.has(node)) continue;
    if (readers.has(node)) {
      const rewired = { ...node, inputs: node.inputs.map(resolve) };
      fresh.push(rewired);
      nodes.push(rewired);
    } else {
      nodes.push(node);
    }
  }
  for (const node of patch.add ?? []) {
    fresh.push(node);
    nodes.push(node);
  }
  const more = { constants: new Map(patch.constants), types: new Map(patch.types) };
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const after = {
    ...graph,
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: resolve(value) })),
    nodes: sortNodes(nodes),
    constants,
    types,
  };
  const index = indexOf(after);
  const isLive = (value: string): boolean =>
    index.producer(value) !== undefined ||
    index.consumers(value).length > 0 ||
    index.isOutput(value) ||
    graph.inputs.includes(value);
  /** Drops what is known of a value that is gone, and the type of one that is a constant. */
  const settle = (value: string): void => {
    if (!constants.has(value) && !types.has(value)) return;
    const live = isLive(value);
    if (!live) constants.delete(value);
    if (!live || constants.has(value)) types.delete(value);
  };
  more.constants.forEach((constant, name) => {
    constants.set(name, constant);
  });
  more.types.forEach((type, value) => {
    types.set(value, type);
  });
  const touched = settled.has(graph)
    ? [
        ...[...more.constants.keys(), ...more.types.keys(), ...replacement.keys()],
        ...[...removed].flatMap(({ inputs, outputs }) => [...inputs, ...outputs]),
      ]
    : [...constants.keys(), ...types.keys()];
  for (const value of touched) settle(value);
  settled.add(after);
  return { graph: after, nodes: fresh, removed, ...more };
}

/** Graphs that know of no value that is gone, so that a patch has to look at those only which it touches. */
const settled = new WeakSet<Graph>();

/**
 * Nodes in topological order, as near to the given order as their dependencies allow.
 * Throws `INVALID_GRAPH` for a cycle or for a value that two nodes write.
 */
export function sortNodes(nodes: readonly Node[]): Node[] {
  const producers = producersOf(nodes);
  const sorted: Node[] = [];
  const done = new Set<Node>();
  /** The node that has to come first, of the first such input. */
  const missing = ({ inputs }: Node): Node | undefined => {
    for (let i = 0; i < inputs.length; i++) {
      const producer = producers.get(inputs[i]!);
      if (producer !== undefined && !done.has(producer)) return producer;
    }
    return undefined;
  };
  // An explicit stack: a model may chain more nodes than the call stack is deep.
  const path: Node[] = [];
  const open = new Set<Node>();
  for (let root = 0; root < nodes.length; root++) {
    if (!done.has(nodes[root]!)) path.push(nodes[root]!);
    while (path.length > 0) {
      const node = path[path.length - 1]!;
      const before = missing(node);
      if (before === undefined) {
        done.add(node);
        sorted.push(node);
        path.pop();
        continue;
      }
      open.add(node);
      if (open.has(before)) {
        throw new OctavoError('INVALID_GRAPH', 'the graph has a cycle', { where: node.name });
      }
      path.push(before);
    }
  }
  return sorted;
}

function producersOf(nodes: readonly Node[]): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (let n = 0; n < nodes.length; n++) {
    const { outputs } = nodes[n]!;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]!;
      if (output === '') continue;
      if (producers.has(output)) {
        throw new OctavoError('INVALID_GRAPH', 'two nodes write this value', { where: output });
      }
      producers.set(output, nodes[n]!);
    }
  }
  return producers;
}
