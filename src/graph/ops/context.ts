/** Inference of one node: looks its operator up and hands it what the graph knows of its inputs. */
import { type Graph, type Node, typeOf, type ValueType } from '../ir.js';
import { definitionOf } from './index.js';
import type { InferContext } from './op.js';

/**
 * Types of a node's outputs, as far as they follow from the graph; undefined when Octavo has no
 * definition of the operator. Throws `INVALID_GRAPH` when the inputs contradict the operator.
 */
export function inferNode(
  graph: Graph,
  node: Node,
): readonly (ValueType | undefined)[] | undefined {
  const definition = definitionOf(node);
  if (definition === undefined) return undefined;
  const context: InferContext = {
    node,
    opset: graph.opsets.get(node.domain) ?? definition.since,
    input: (i) => typeOf(graph, node.inputs[i] ?? ''),
    constant: (i) => graph.constants.get(node.inputs[i] ?? ''),
  };
  return definition.infer(context);
}
