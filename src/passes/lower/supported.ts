/**
 * Tells what cannot be run, as early as it is certain. An ONNX node that is still there after lowering
 * either waits for dims (as long as some are free) or for folding (if it depends on sizes alone), or
 * it is not supported.
 */
import type { OctavoError } from '../../core/errors.js';
import { type Graph, type Node, qualifiedOp, typeOf } from '../../graph/ir.js';
import { evaluatorOf } from '../evaluate/index.js';
import { loweredOperators } from './index.js';
import { isBound } from './movement.js';
import { qOperators } from './qOperators.js';
import { unsupported } from './rules.js';

/**
 * Throws `UNSUPPORTED_OPERATOR` for the first node that no dims will make runnable; in a graph without
 * free dims that is any ONNX node.
 */
export function requireSupported(graph: Graph): void {
  const bound = isBound(graph);
  const foldable = new Set(graph.constants.keys());
  for (const node of graph.nodes) {
    if (node.domain === 'octavo') continue;
    const folds =
      node.op === 'Shape' ||
      node.op === 'Size' ||
      (evaluatorOf(node.op) !== undefined &&
        node.inputs.every((input) => input === '' || foldable.has(input)));
    if (folds && node.domain === '' && !bound) {
      for (const output of node.outputs) foldable.add(output);
      continue;
    }
    const waits = loweredOperators.has(qualifiedOp(node)) || qOperators.has(qualifiedOp(node));
    if (bound || !waits || hasForeignType(graph, node)) throw unsupportedNode(graph, node, waits);
  }
}

/** Whether the node computes on a type that no step takes; sizes were told apart before. */
function hasForeignType(graph: Graph, node: Node): boolean {
  const type = typeOf(graph, node.inputs[0] ?? '')?.type;
  return type === 'float64' || type === 'float16' || type === 'bfloat16';
}

function unsupportedNode(graph: Graph, node: Node, known: boolean): OctavoError {
  const site = { graph, node };
  if (!known) return unsupported(site);
  const types = node.inputs.map((input) => typeOf(graph, input)?.type ?? 'none').join(', ');
  return unsupported(site, `a form of it with inputs of type ${types}`);
}
