/** Graphs in a line per node, 'y = Op(a, b)', for tests that look at what a pass leaves. */
import { inferTypes } from '../../src/graph/infer.js';
import { type Graph, type Node, qualifiedOp } from '../../src/graph/ir.js';
import { verify } from '../../src/graph/verify.js';
import { type Pass, runPasses } from '../../src/passes/pass.js';
import { graphOf, type IrParts } from '../helpers/onnx-builder.js';

/** The nodes, and the value behind each graph output that has another name. */
export function sketch(graph: Graph): string[] {
  const line = (node: Node) =>
    `${node.outputs.join(', ')} = ${qualifiedOp(node)}(${node.inputs.join(', ')})`;
  const outputs = graph.outputs.filter(({ name, value }) => name !== value);
  return [...graph.nodes.map(line), ...outputs.map(({ name, value }) => `${name}: ${value}`)];
}

/** Infers and verifies a graph of these parts, and runs the passes. */
export function passed(parts: IrParts, ...passes: readonly Pass[]): Graph {
  const graph = inferTypes(graphOf(parts));
  verify(graph);
  return runPasses(graph, passes);
}
