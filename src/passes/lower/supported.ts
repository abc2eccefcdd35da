/**
 * Tells what cannot be run, as early as it is certain. An ONNX node that is still there after lowering waits for dims (as
 * long as some are free), for folding (if it depends on sizes alone) or for values (../parameters), or it is not
 * supported.
 */
import { bitsOf, type DataType } from '../../core/dtype.js';
import type { OctavoError } from '../../core/errors.js';
import { bodiesOf } from '../../graph/closures.js';
import { type Graph, type Node, qualifiedOp, typeOf } from '../../graph/ir.js';
import { isEvaluated } from '../evaluate/index.js';
import { expandedOperators } from '../expand/index.js';
import { arithmeticRules } from './arithmetic.js';
import { loweredOperators } from './index.js';
import { indexRules } from './indexing.js';
import { isBound } from './movement.js';
import { qOperators } from './qOperators.js';
import { reduceRules } from './reduce.js';
import { unsupported } from './rules.js';

/**
 * Throws `UNSUPPORTED_OPERATOR` for the first node, in bodies of If and Loop too, that no dims and no values will make
 * runnable.
 */
export function requireSupported(graph: Graph): void {
  const foldable = new Set(graph.constants.keys());
  const bound = isBound(graph);
  for (const node of graph.nodes) {
    requireKnown(graph, node);
    if (node.domain === 'octavo' || bound) continue;
    const folds =
      sizes.has(qualifiedOp(node)) ||
      (isEvaluated(node) && node.inputs.every((input) => input === '' || foldable.has(input)));
    if (folds) for (const output of node.outputs) foldable.add(output);
    else if (hasForeignType(graph, node)) throw unsupportedNode(graph, node);
  }
}

const sizes: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** Whether the operator is lowered, rewritten to others, or evaluated. */
function isKnown(node: Node): boolean {
  const op = qualifiedOp(node);
  const rewritten = expandedOperators.has(op) || qOperators.has(op);
  return loweredOperators.has(op) || rewritten || sizes.has(op) || isEvaluated(node);
}

/** Throws for the node's operator, or one in its bodies, that nothing knows. */
function requireKnown(graph: Graph, node: Node): void {
  for (const [, body] of bodiesOf(node)) for (const inner of body.nodes) requireKnown(body, inner);
  if (node.domain !== 'octavo' && !isKnown(node)) throw unsupported({ graph, node });
}

const foreignTypes: ReadonlySet<DataType> = new Set(['float64', 'float16', 'bfloat16']);

/** Whether the node computes on a type that no step takes; sizes were told apart before. */
function hasForeignType(graph: Graph, node: Node): boolean {
  return [node.inputs[0] ?? '', node.outputs[0]!].some((value) => {
    const type = graph.constants.has(value) ? undefined : typeOf(graph, value)?.type;
    const op = qualifiedOp(node);
    if (op === 'Cast' && type !== undefined && bitsOf(type) >= 8) return false;
    if (type === undefined || (type === 'float64' && doubles.has(op))) return false;
    if (Object.hasOwn(indexRules, op) && bitsOf(type) >= 8) return false;
    return foreignTypes.has(type) || bitsOf(type) < 8;
  });
}

/** Operators that compute on float64 too. */
const doubles: ReadonlySet<string> = new Set([
  ...Object.keys(arithmeticRules),
  ...Object.keys(reduceRules),
]);

/** The error of a node that was not lowered, although all that it could wait for is known. */
export function unsupportedNode(graph: Graph, node: Node): OctavoError {
  const site = { graph, node };
  if (!isKnown(node)) return unsupported(site);
  const types = node.inputs.map((input) => typeOf(graph, input)?.type ?? 'none').join(', ');
  return unsupported(site, `a form of it with inputs of type ${types}`);
}
