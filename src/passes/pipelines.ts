/** The named lists of passes: what a graph goes through, and in which order. */
import { deadCode } from './deadCode.js';
import { expandOperators } from './expand/index.js';
import { floatPasses } from './floatPasses.js';
import { fuseActivation } from './fuseActivation.js';
import { fuseAttention } from './fuseAttention.js';
import { fuseInt16Products } from './fuseInt16Products.js';
import { fuseLayerNorm } from './fuseLayerNorm.js';
import { fuseQuantizedConv } from './fuseQuantizedConv.js';
import { fuseQuantizedElementwise } from './fuseQuantizedElementwise.js';
import { fuseQuantizedLookup, simplifyLookups } from './fuseQuantizedLookup.js';
import { sinkDequantize } from './fuseQuantizedMovement.js';
import { fuseQuantizedPool } from './fuseQuantizedPool.js';
import { fuseResidual } from './fuseResidual.js';
import { gatherCodes } from './gatherCodes.js';
import { foldAndInline } from './inlineBodies.js';
import { fuseIntegerProducts } from './integerProducts.js';
import { settleLayout, sinkTransposes } from './layout.js';
import { lower } from './lower/index.js';
import { expandQOperators } from './lower/qOperators.js';
import type { Pass } from './pass.js';
import { fuseQuantizeRows } from './quantizeRows.js';
import { signedBorders, unsignedActivations } from './unsignedActivations.js';

/**
 * From ONNX to Octavo's own vocabulary, ready to be compiled once all dims are known. Run when a model is
 * loaded, which transforms all weights, and again when input dims are bound, for what had to wait.
 */
export const executionPasses: readonly Pass[] = [
  foldAndInline,
  expandOperators,
  ...floatPasses,
  expandQOperators,
  gatherCodes,
  fuseQuantizeRows,
  fuseIntegerProducts,
  unsignedActivations,
  sinkDequantize,
  fuseInt16Products,
  fuseQuantizedConv,
  fuseQuantizedElementwise,
  fuseQuantizedPool,
  fuseQuantizedLookup,
  deadCode,
  lower,
  deadCode,
  fuseAttention,
  deadCode,
  sinkTransposes,
  deadCode,
  simplifyLookups,
  signedBorders,
  fuseActivation,
  fuseLayerNorm,
  settleLayout,
  fuseResidual,
  deadCode,
];

/** The same passes, one rewrite a patch where they are made of rules: for traces and bisection. */
export function perMatch(passes: readonly Pass[]): readonly Pass[] {
  return passes.map((pass) => ('perMatch' in pass ? (pass.perMatch as Pass) : pass));
}
