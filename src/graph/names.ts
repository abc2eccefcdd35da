/** Names for values and nodes that a patch adds: readable, and not in use. */
import type { Graph } from './ir.js';

/**
 * A function that turns a wished-for name into one that neither the graph nor an earlier call uses.
 * Values and nodes share the names, as some readers of ONNX expect.
 */
export function namesFor(graph: Graph): (wish: string) => string {
  const used = new Set<string>([...graph.inputs, ...graph.constants.keys()]);
  for (const output of graph.outputs) used.add(output.name);
  for (const node of graph.nodes) {
    used.add(node.name);
    for (const output of node.outputs) used.add(output);
  }
  return (wish) => {
    let name = wish;
    for (let i = 2; used.has(name); i++) name = `${wish}_${i}`;
    used.add(name);
    return name;
  };
}
