/**
 * Patches: the only way to change a graph. A patch says what to remove, what to add and which values
 * take the place of which; `applyPatch` makes the new graph, sorts it, and drops constants that
 * nothing reads any more. The old graph stays as it was.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import type { Graph, Node, ValueType } from './ir.js';

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

/** Applies a patch; throws `INVALID_GRAPH` when the result has a cycle or a name twice. */
export function applyPatch(graph: Graph, patch: Patch): Graph {
  const removed = new Set(patch.remove ?? []);
  const replacement = new Map(patch.replace ?? []);
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
  const rewire = (node: Node): Node =>
    replacement.size > 0 && node.inputs.some((input) => replacement.has(input))
      ? { ...node, inputs: node.inputs.map(resolve) }
      : node;

  const kept = graph.nodes.filter((node) => !removed.has(node)).map(rewire);
  const nodes = sortNodes([...kept, ...(patch.add ?? [])]);
  const outputs = graph.outputs.map((output) => ({ ...output, value: resolve(output.value) }));

  const live = new Set([...graph.inputs, ...outputs.map((output) => output.value)]);
  for (const node of nodes) {
    for (const value of node.inputs) live.add(value);
    for (const value of node.outputs) live.add(value);
  }
  const constants = new Map(
    [...graph.constants, ...(patch.constants ?? [])].filter(([name]) => live.has(name)),
  );
  const types = new Map(
    [...graph.types, ...(patch.types ?? [])].filter(
      ([name]) => live.has(name) && !constants.has(name),
    ),
  );
  return { ...graph, outputs, nodes, constants, types };
}

/**
 * Nodes in topological order, as near to the given order as their dependencies allow.
 * Throws `INVALID_GRAPH` for a cycle or for a value that two nodes write.
 */
export function sortNodes(nodes: readonly Node[]): Node[] {
  const producers = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producers.has(output)) {
        throw new OctavoError('INVALID_GRAPH', 'two nodes write this value', { where: output });
      }
      producers.set(output, i);
    }
  });
  const sorted: Node[] = [];
  const state = new Uint8Array(nodes.length); // 0 unseen, 1 open, 2 done
  // An explicit stack: a model may chain more nodes than the call stack is deep.
  for (let root = 0; root < nodes.length; root++) {
    const stack = [root];
    while (stack.length > 0) {
      const i = stack[stack.length - 1]!;
      if (state[i] === 2) {
        stack.pop();
        continue;
      }
      state[i] = 1;
      let ready = true;
      const { inputs } = nodes[i]!;
      // Backwards, so that the first input's producer ends on top and comes first.
      for (let k = inputs.length - 1; k >= 0; k--) {
        const j = producers.get(inputs[k]!);
        if (j === undefined || state[j] === 2) continue;
        if (state[j] === 1) {
          throw new OctavoError('INVALID_GRAPH', 'the graph has a cycle', {
            where: nodes[i]!.name,
          });
        }
        stack.push(j);
        ready = false;
      }
      if (ready) {
        state[i] = 2;
        sorted.push(nodes[i]!);
        stack.pop();
      }
    }
  }
  return sorted;
}
