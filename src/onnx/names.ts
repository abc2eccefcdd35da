/** Names for what import adds to a model. */
import type { GraphProto } from './messages.js';

/** Names that are in use, and new ones. */
export interface Names {
  /** A name for a value or a node that the model does not use; like `wish`, or `wish_2` and so on. */
  readonly fresh: (wish: string) => string;
}

/** The names of a model, those in subgraphs included. */
export function namesOf(root: GraphProto): Names {
  const used = new Set<string>();
  const graphs = [root];
  for (let graph = graphs.pop(); graph !== undefined; graph = graphs.pop()) {
    for (const { name } of graph.initializer ?? []) used.add(name ?? '');
    for (const { name } of graph.input ?? []) used.add(name ?? '');
    for (const { name } of graph.output ?? []) used.add(name ?? '');
    for (const node of graph.node ?? []) {
      used.add(node.name ?? '');
      for (const output of node.output ?? []) used.add(output);
      for (const { g } of node.attribute ?? []) if (g !== undefined) graphs.push(g);
    }
  }
  const next = new Map<string, number>();
  const fresh = (wish: string): string => {
    let name = wish;
    let number = next.get(wish) ?? 2;
    while (used.has(name)) name = `${wish}_${number++}`;
    next.set(wish, number);
    used.add(name);
    return name;
  };
  return { fresh };
}
