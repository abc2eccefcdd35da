/**
 * Attention. Scores are sums of products, and what they are off by is what the logarithm of a weight is
 * off by: a unit of the magnitudes they are made of for each term. Weights add up to 1, so that the sum
 * of values is off by twice as much of the largest value, and by a few units for each key.
 */
import { floats } from '../helpers/random.js';
import { type Operand, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawSize, drawUntil } from './draw.js';
import { type Suite, unit } from './problem.js';

const f32 = (dims: readonly number[], constant?: Float32Array): Operand => ({
  type: 'float32',
  dims,
  constant,
});

export const attentionSuite: Suite = {
  name: 'attention',
  draw: (random) => {
    const sizes = drawUntil(
      () => ({
        batches: random.int(1, 3),
        heads: random.int(1, 5),
        queries: drawSize(random),
        keys: random.chance(0.95) ? drawSize(random) : random.int(500, 1100),
        depth: drawSize(random),
        width: drawSize(random),
      }),
      ({ batches, heads, queries, keys, depth, width }) =>
        batches * heads * queries * keys * (depth + width) <= 400_000,
    );
    const { batches, heads, queries, keys, depth, width } = sizes;
    const scale = Math.fround(random.pick([1, 1 / Math.sqrt(depth), -0.5]));
    const reach = random.pick([1, 1, 8]);
    const q = floats(random, batches * queries * heads * depth, -reach, reach);
    const k = floats(random, batches * keys * heads * depth);
    const v = floats(random, batches * keys * heads * width);

    const least = random.pick([-1, -20]);
    const maskDims = random.pick([
      undefined,
      [batches, 1, 1, keys],
      [batches, 1, queries, keys],
      [batches, heads, queries, keys],
      [heads, 1, keys],
      [1, heads, queries, 1],
      [keys],
      [],
    ]);
    const values = floats(random, count(maskDims ?? []), least, 1);
    // Some keys that no query sees, unless a mask has one value for all keys.
    const hides = maskDims?.at(-1) === keys && keys > 1 && random.chance(0.5);
    if (hides) {
      const hidden = random.pick([-3.4028234663852886e38, Number.NEGATIVE_INFINITY]);
      values.forEach((_, i) => {
        if (i % keys > 0 && random.chance(0.3)) values[i] = hidden;
      });
    }
    const constant = random.chance(0.5);
    const mask = maskDims && f32(maskDims, constant ? values : undefined);
    const plan = singleStepPlan(
      'Attention',
      [
        f32([batches, queries, heads * depth]),
        f32([batches, keys, heads * depth]),
        f32([batches, keys, heads * width]),
        mask,
      ],
      [f32([batches, queries, heads * width])],
      { heads, scale },
      random.pick(['plan', 'model']),
    );
    const scores = depth * reach * Math.abs(scale) + Math.max(-least, 1);
    const inputs = [q, k, v, ...(mask === undefined || constant ? [] : [values])];
    return {
      plan,
      inputs,
      tolerance: { absolute: unit * (16 * scores + 4 * keys + 64), relative: 0 },
    };
  },
};
