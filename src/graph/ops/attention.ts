/** Attention as a step: see runtime/steps. */
import { intOf } from '../attributes.js';
import { contradiction, expectInputType, expectRank } from './context.js';
import { broadcastDims, unifyDims } from './dims.js';
import { step } from './octavo.js';

/** q [B, Q, heads · D], k [B, K, heads · D], v [B, K, heads · E], mask: y [B, Q, heads · E]. */
export const attentionStep = step('Attention', [3, 4], (context) => {
  const { node, input } = context;
  for (const i of [0, 1, 2, 3]) expectInputType(context, i, 'float32');
  for (const i of [0, 1, 2]) expectRank(context, i, 3);
  const heads = intOf(node, 'heads', 0);
  if (heads < 1) throw contradiction(node, "bad 'heads'", 'a number from 1', String(heads));
  const open = [undefined, undefined, undefined];
  const [q, k, v] = [0, 1, 2].map((i) => input(i)?.dims ?? open);
  const batch = unifyDims(node, 'batches', q![0], unifyDims(node, 'batches', k![0], v![0]));
  const keys = unifyDims(node, 'keys and values', k![1], v![1]);
  for (const dim of [unifyDims(node, 'q and k', q![2], k![2]), v![2]]) {
    if (typeof dim === 'number' && dim % heads !== 0) {
      throw contradiction(node, `the last axis does not divide by ${heads} heads`);
    }
  }
  const mask = input(3)?.dims;
  if (mask !== undefined) broadcastDims(node, [batch, heads, q![1], keys], mask);
  return [{ type: 'float32', dims: [batch, q![1], v![2]] }];
});
