/**
 * Small evaluators for constant folding: the integer arithmetic that shapes are made of, and the
 * few operators that exporters leave on weights. They are not a backend and claim no speed.
 *
 * DequantizeLinear has none: a quantized weight with its DequantizeLinear is an island that is fused
 * whole, and folding it would undo the quantization.
 */
import { arithmeticEvaluators } from './arithmetic.js';
import { convertEvaluators } from './convert.js';
import type { Evaluator } from './evaluation.js';
import { movementEvaluators } from './movement.js';

const evaluators = new Map<string, Evaluator>(
  Object.entries({ ...movementEvaluators, ...arithmeticEvaluators, ...convertEvaluators }),
);

/** The evaluator of an ONNX operator (domain ''), when there is one. */
export function evaluatorOf(op: string): Evaluator | undefined {
  return evaluators.get(op);
}

export type { Evaluation, Evaluator, StaticType } from './evaluation.js';
