/** Which values of a graph tell most about its answers. */
import { type Graph, indexOf } from '../graph/ir.js';

const squashing: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax', 'Sigmoid', 'Identity']);

/**
 * The graph with what is in front of a final softmax or sigmoid for its outputs, under the same names: behind it every
 * confident answer looks alike.
 */
export function withLogits(graph: Graph): Graph {
  const index = indexOf(graph);
  const outputs = graph.outputs.map(({ name, value }) => {
    let current = value;
    for (let node = index.producer(current); node; node = index.producer(current)) {
      if (node.domain !== '' || !squashing.has(node.op)) break;
      current = node.inputs[0]!;
    }
    return { name, value: current };
  });
  return { ...graph, outputs };
}
