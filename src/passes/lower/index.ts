/**
 * Lowering: every ONNX node that Octavo runs becomes nodes of Octavo's own vocabulary. One file per
 * family holds the rules. A rule waits where it needs dims that are still free, so the pass runs once
 * when a model is loaded and again when its inputs' dims are bound.
 */
import { arithmeticRules } from './arithmetic.js';
import { convRules } from './conv.js';
import { elementwiseRules } from './elementwise.js';
import { indexRules } from './indexing.js';
import { matMulRules } from './matmul.js';
import { movementRules } from './movement.js';
import { normalizeRules } from './normalize.js';
import { poolRules } from './pool.js';
import { quantizeRules } from './quantize.js';
import { recurrentRules } from './recurrent.js';
import { reduceRules } from './reduce.js';
import { resizeRules } from './resize.js';
import { type Rules, rulePass } from './rules.js';

const rules: Rules = {
  ...arithmeticRules,
  ...convRules,
  ...elementwiseRules,
  ...indexRules,
  ...matMulRules,
  ...movementRules,
  ...normalizeRules,
  ...poolRules,
  ...quantizeRules,
  ...recurrentRules,
  ...reduceRules,
  ...resizeRules,
};

export const lower = rulePass('lower', rules);

/** ONNX operators, qualified, that lowering knows. */
export const loweredOperators: ReadonlySet<string> = new Set(Object.keys(rules));
