/** Names for values and nodes that a patch adds: readable, and not in use. */
import { type Graph, indexOf, type Node } from './ir.js';

/**
 * A function that turns a wished-for name into one that neither the graph nor an earlier call uses.
 * Values and nodes share the names, as some readers of ONNX expect.
 */
export function namesFor(graph: Graph): (wish: string) => string {
  const index = indexOf(graph);
  const used = new Set(['', ...graph.inputs, ...graph.outputs.map((output) => output.name)]);
  collectInner(graph.nodes, used);
  const isUsed = (name: string): boolean =>
    used.has(name) ||
    graph.constants.has(name) ||
    index.names.has(name) ||
    index.producer(name) !== undefined;
  const tried = new Map<string, number>(); // the last number tried, by wish
  return (wish) => {
    let name = wish;
    let i = tried.get(wish) ?? 1;
    while (isUsed(name)) name = `${wish}_${++i}`;
    tried.set(wish, i);
    used.add(name);
    return name;
  };
}

/** Names of values and nodes in the nodes' subgraphs. */
function collectInner(nodes: readonly Node[], names: Set<string>): void {
  for (let n = 0; n < nodes.length; n++) {
    nodes[n]!.attributes.forEach((attribute) => {
      if (attribute.kind === 'graph') collectNames(attribute.value, names);
    });
  }
}

function collectNames(graph: Graph, names: Set<string>): void {
  for (const input of graph.inputs) names.add(input);
  for (const constant of graph.constants.keys()) names.add(constant);
  for (const output of graph.outputs) names.add(output.name);
  for (const node of graph.nodes) {
    names.add(node.name);
    for (const output of node.outputs) names.add(output);
  }
  collectInner(graph.nodes, names);
}
