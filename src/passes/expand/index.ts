/** Operators of ONNX that are written in others before lowering; one file per family. */
import { type Rules, rulePass } from '../lower/rules.js';
import { activations } from './activations.js';
import { attentions } from './attention.js';
import { casts } from './casts.js';
import { contribFused } from './contribFused.js';
import { transposedConvolution } from './convTranspose.js';
import { einsums } from './einsum.js';
import { expanding } from './expansion.js';
import { indexing } from './indexing.js';
import { integerProducts } from './integerProducts.js';
import { matMulNBits } from './matMulNBits.js';
import { normalizations } from './normalizations.js';
import { pads } from './pads.js';
import { reductions } from './reductions.js';
import { rotaries } from './rotary.js';
import { sampling } from './sampling.js';
import { shapes } from './shapes.js';
import { windowed } from './windows.js';

const expansions = {
  ...activations,
  ...indexing,
  ...integerProducts,
  ...normalizations,
  ...reductions,
  ...shapes,
  ...pads,
  ...transposedConvolution,
  ...windowed,
  ...attentions,
  ...casts,
  ...contribFused,
  ...einsums,
  ...rotaries,
  ...sampling,
};

const rules: Rules = {
  ...Object.fromEntries(Object.entries(expansions).map(([op, expand]) => [op, expanding(expand)])),
  'com.microsoft:MatMulNBits': matMulNBits,
};

export const expandOperators = rulePass('expand', rules);

/** ONNX operators, qualified, that have an expansion. */
export const expandedOperators: ReadonlySet<string> = new Set(Object.keys(rules));
