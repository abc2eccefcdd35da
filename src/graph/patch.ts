/**
 * Patches: the only way to change a graph. A patch says what to remove, what to add and which values
 * take the place of which; `applyPatch` makes the new graph, sorts it, and drops constants that
 * nothing reads any more. The old graph stays as it was.
 *
 * A patch costs a walk over the graph or two, mostly in code that no engine has optimized yet: these are plain loops.
 */
import { OctavoError } from '../core/errors.js';
import { copyMap } from '../core/maps.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, keepIndex, type Node, producersOf, type ValueType } from './ir.js';

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
  replacement.forEach((_, value) => {
    for (const node of indexOf(graph).consumers(value)) readers.add(node);
  });
  const fresh: Node[] = [];
  const nodes: Node[] = [];
  for (let n = 0; n < graph.nodes.length; n++) {
    const node = graph.nodes[n]!;
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
  const constants = copyMap(graph.constants);
  const types = copyMap(graph.types);
  const producers = producersOf(nodes);
  const after = {
    ...graph,
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: resolve(value) })),
    nodes: inOrder(nodes, producers),
    constants,
    types,
  };
  const index = keepIndex(after, producers);
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
  const settleKeys = (map: ReadonlyMap<string, unknown>): void => {
    map.forEach((_, value) => {
      settle(value);
    });
  };
  if (settled.has(graph)) {
    for (const touched of [more.constants, more.types, replacement]) settleKeys(touched);
    removed.forEach(({ inputs, outputs }) => {
      for (let i = 0; i < inputs.length; i++) settle(inputs[i]!);
      for (let i = 0; i < outputs.length; i++) settle(outputs[i]!);
    });
  } else {
    settleKeys(constants);
    settleKeys(types);
  }
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
  return inOrder(nodes, producersOf(nodes));
}

function inOrder(nodes: readonly Node[], producers: ReadonlyMap<string, Node>): Node[] {
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
  for (let n = 0; n < nodes.length; n++) {
    const root = nodes[n]!;
    if (done.has(root)) continue;
    if (missing(root) === undefined) {
      done.add(root);
      sorted.push(root);
      continue;
    }
    path.push(root);
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
