/**
 * Tells what cannot be run, as early as it is certain. An ONNX node that is still there after lowering
 * either waits for dims (as long as some are free) or for folding (if it depends on sizes alone), or
 * it is not supported.
 */
import { bitsOf, type DataType } from '../../core/dtype.js';
import type { OctavoError } from '../../core/errors.js';
import { type Graph, type Node, qualifiedOp, typeOf } from '../../graph/ir.js';
import { evaluatorOf } from '../evaluate/index.js';
import { arithmeticRules } from './arithmetic.js';
import { loweredOperators } from './index.js';
import { isBound } from './movement.js';
import { qOperators } from './qOperators.js';
import { reduceRules } from './reduce.js';
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

const foreignTypes: ReadonlySet<DataType> = new Set(['float64', 'float16', 'bfloat16']);

/** Whether the node computes on a type that no step takes; sizes were told apart before. */
function hasForeignType(graph: Graph, node: Node): boolean {
  return [node.inputs[0] ?? '', node.outputs[0]!].some((value) => {
    const type = graph.constants.has(value) ? undefined : typeOf(graph, value)?.type;
    if (type === undefined || (type === 'float64' && doubles.has(qualifiedOp(node)))) return false;
    return foreignTypes.has(type) || bitsOf(type) < 8;
  });
}

/** Operators that compute on float64 too. */
const doubles: ReadonlySet<string> = new Set([
  ...Object.keys(arithmeticRules),
  ...Object.keys(reduceRules),
]);

function unsupportedNode(graph: Graph, node: Node, known: boolean): OctavoError {
  const site = { graph, node };
  if (!known) return unsupported(site);
  const types = node.inputs.map((input) => typeOf(graph, input)?.type ?? 'none').join(', ');
  return unsupported(site, `a form of it with inputs of type ${types}`);
}
