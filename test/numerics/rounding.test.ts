import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundHalfEven, roundSmall, saturate } from '../../src/numerics/index.js';
import { exact, nearestInteger } from './rational.js';

const seed = 0x0c7a;

describe('roundHalfEven', () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [3.5, 4],
    [-0.5, -0],
    [-1.5, -2],
    [-2.5, -2],
    [0.49999999999999994, 0],
    [0.5000000000000001, 1],
    [0, 0],
    [-0, -0],
    [-0.3, -0],
    [2 ** 31 - 0.5, 2 ** 31],
    [2 ** 51 - 0.5, 2 ** 51],
    [2 ** 51 + 0.5, 2 ** 51],
    [2 ** 51 + 1.5, 2 ** 51 + 2],
    [-(2 ** 51) - 0.5, -(2 ** 51)],
    [-(2 ** 51) - 1.5, -(2 ** 51) - 2],
    [2 ** 52 - 0.5, 2 ** 52],
    [2 ** 52 + 1, 2 ** 52 + 1],
    [2 ** 53 - 1, 2 ** 53 - 1],
    [-(2 ** 53) + 1, -(2 ** 53) + 1],
    [Number.MAX_VALUE, Number.MAX_VALUE],
    [Number.MIN_VALUE, 0],
    [-Number.MIN_VALUE, -0],
    [Infinity, Infinity],
    [-Infinity, -Infinity],
    [Number.NaN, Number.NaN],
  ])('takes %d to %d', (x, expected) => {
    expect(roundHalfEven(x)).toBe(expected);
  });

  it('is the nearest integer, ties to even, of every double', () => {
    const doubles = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.maxSafeInteger().map((i) => i / 2),
      fc.integer({ min: -(2 ** 20), max: 2 ** 20 }).map((i) => i / 4),
    );
    fc.assert(
      fc.property(doubles, (x) => {
        expect(BigInt(roundHalfEven(x))).toBe(nearestInteger(exact(x)));
        expect(Object.is(roundHalfEven(x), -0)).toBe(
          roundHalfEven(x) === 0 && Math.sign(1 / x) < 0,
        );
      }),
      { seed, numRuns: 2000 },
    );
  });

  it('agrees with roundSmall up to 2^51, but for the sign of zero', () => {
    fc.assert(
      fc.property(fc.double({ min: -(2 ** 51), max: 2 ** 51, noNaN: true }), (x) => {
        expect(roundSmall(x)).toBe(roundHalfEven(x) + 0);
      }),
      { seed, numRuns: 1000 },
    );
  });
});

describe('saturate', () => {
  it.each([
    [5, 5],
    [-129, -128],
    [-128, -128],
    [127, 127],
    [127.5, 127],
    [Infinity, 127],
    [-Infinity, -128],
    [Number.NaN, -128],
  ])('takes %d to %d for int8', (value, expected) => {
    expect(saturate(value, -128, 127)).toBe(expected);
  });
});
