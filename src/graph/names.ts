/** Names for values and nodes that a patch adds: readable, and not in use. */
import type { Graph } from './ir.js';

/**
 * A function that turns a wished-for name into one that neither the graph nor an earlier call uses.
 * Values and nodes share the names, as some readers of ONNX expect.
 */
export function namesFor(graph: Graph): (wish: string) => string {
  const used = new Set<string>();
  const tried = new Map<string, number>(); // the last number tried, by wish
  collectNames(graph, used);
  return (wish) => {
    let name = wish;
    let i = tried.get(wish) ?? 1;
    while (used.has(name)) name = `${wish}_${++i}`;
    tried.set(wish, i);
    used.add(name);
    return name;
  };
}

/** Names of values and nodes, those in subgraphs included. */
function collectNames(graph: Graph, names: Set<string>): void {
  for (const input of graph.inputs) names.add(input);
  for (const constant of graph.constants.keys()) names.add(constant);
  for (const output of graph.outputs) names.add(output.name);
  for (const node of graph.nodes) {
    names.add(node.name);
    for (const output of node.outputs) names.add(output);
    for (const { kind, value } of node.attributes.values()) {
      if (kind === 'graph') collectNames(value, names);
    }
  }
}
