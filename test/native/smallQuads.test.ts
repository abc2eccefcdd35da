/**
 * Sums of products at the bounds of bytes, for the instruction sets whose instruction saturates: whatever the weights, they
 * are laid out so that it never does.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { createRandom, type Random } from '../helpers/random.js';
import { runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';

/** Ways to draw a weight: what is large, what just fits a pair, and what trained weights look like. */
const draws: Record<string, (random: Random) => number> = {
  'of the lowest and the highest': (random) => random.pick([-128, 127]),
  'of 127 and −127': (random) => random.pick([-127, 127]),
  'that are mostly large': (random) => random.pick([-128, -127, -100, -65, 65, 101, 127, 0]),
  'whose pairs just fit, or just do not': (random) => random.pick([-65, -64, -63, 63, 64, 65, 1]),
  'that are small but for a few': (random) => (random.int(0, 9) === 0 ? 127 : random.int(-9, 9)),
  'of any size': (random) => random.int(-128, 127),
};

describe('products at the bounds of bytes', () => {
  const reference = createReferenceBackend();
  const backends = nativeBackends(1);

  it.runIf(backends.length > 0).each(Object.entries(draws))('weights %s', (_, draw) => {
    const random = createRandom(83);
    for (let problem = 0; problem < 150; problem++) {
      const depth = problem < 80 ? problem + 1 : random.int(1, 700);
      const columns = random.int(1, 20);
      const rows = random.int(1, 9);
      const weights = Int8Array.from({ length: columns * depth }, () => draw(random));
      const byte = random.pick([() => 255, () => random.pick([0, 255]), () => random.int(0, 255)]);
      const x = Uint8Array.from({ length: rows * depth }, byte);
      const plan = singleStepPlan(
        'QConv',
        [
          { type: 'uint8', dims: [1, 1, rows, depth] },
          { type: 'int8', dims: [columns, 1, 1, depth], constant: weights },
        ],
        [{ type: 'int32', dims: [1, 1, rows, columns] }],
        { strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, groups: 1 },
      );
      const expected = runSingle(reference, plan, [x]);
      for (const backend of backends) {
        const found = runSingle(backend, plan, [x]);
        expect(found, `${backend.isa}: ${rows} × ${depth} × ${columns}`).toEqual(expected);
      }
    }
  });
});
