/** The rule of the step that ./attention computes. */
import { broadcastShapes, formatShape } from '../../core/shape.js';
import { needRange, needSame } from './needs.js';
import type { Rule } from './rules.js';

export const attentionRule: Rule<'Attention'> = {
  reads: [['float32'], ['float32'], ['float32'], ['float32']],
  optionalFrom: 3,
  writes: [['float32']],
  check: ({ inputs, outputs, params: { heads }, need }) => {
    const [q, k, v] = inputs.map((input) => input?.dims);
    for (const dims of [q!, k!, v!]) need(dims.length === 3, 'rank 3', formatShape(dims));
    const [batch, queries, depth] = q as [number, number, number];
    const [, keys, width] = v as [number, number, number];
    needRange(need, 'heads', heads, 1);
    for (const length of [depth, width]) {
      needRange(need, 'the last axis', length, 1);
      need(length % heads === 0, `a last axis in ${heads} heads`, String(length));
    }
    needSame(need, k!, [batch, keys, depth]);
    needSame(need, v!, [batch, keys, width]);
    needSame(need, outputs[0]!.dims, [batch, queries, width]);
    const scores = [batch, heads, queries, keys];
    if (inputs[3]) needSame(need, broadcastShapes(inputs[3].dims, scores), scores);
  },
};
