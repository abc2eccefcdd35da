/**
 * Small evaluators for constant folding: the integer arithmetic that shapes are made of, and the
 * few operators that exporters leave on weights. They are not a backend and claim no speed.
 *
 * DequantizeLinear has none: a quantized weight with its DequantizeLinear is an island that is fused
 * whole, and folding it would undo the quantization.
 */
import type { Node } from '../../graph/ir.js';
import { arithmeticEvaluators } from './arithmetic.js';
import { convertEvaluators } from './convert.js';
import type { Evaluator, ShapedEvaluator } from './evaluation.js';
import { movementEvaluators } from './movement.js';
import { selectionEvaluators } from './selection.js';

const evaluators = new Map<string, Evaluator>(
  Object.entries({ ...movementEvaluators, ...arithmeticEvaluators, ...convertEvaluators }),
);

const shapedEvaluators = new Map<string, ShapedEvaluator>(Object.entries(selectionEvaluators));

/** The evaluator of an ONNX operator (domain ''), when there is one. */
export function evaluatorOf(op: string): Evaluator | undefined {
  return evaluators.get(op);
}

/** The same for an operator whose outputs have dims that follow from the elements of its inputs. */
export function shapedEvaluatorOf(op: string): ShapedEvaluator | undefined {
  return shapedEvaluators.get(op);
}

/** ONNX operators that are computed where their inputs are constants. */
export const evaluatedOperators: ReadonlySet<string> = new Set([
  ...evaluators.keys(),
  ...shapedEvaluators.keys(),
]);

/** Whether the operator is computed where its inputs are constants. */
export function isEvaluated({ op, domain }: Pick<Node, 'op' | 'domain'>): boolean {
  return domain === '' && evaluatedOperators.has(op);
}

export type { Evaluation, Evaluator, StaticType } from './evaluation.js';
