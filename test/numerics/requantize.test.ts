import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requantize, requantizeMultiplier } from '../../src/numerics/index.js';
import { exact, nearestFloat32, nearestInteger, over, times } from './rational.js';

const seed = 0x0c7f;
const failsWith = (code: string) => expect.objectContaining({ name: 'OctavoError', code });

const limit = (q: bigint, min: number, max: number) => (q < min ? min : q > max ? max : Number(q));
const toInt32 = (steps: number) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(steps)));

const outputs = [
  { name: 'uint8', Output: Uint8Array, min: 0, max: 255 },
  { name: 'int8', Output: Int8Array, min: -128, max: 127 },
  { name: 'uint16', Output: Uint16Array, min: 0, max: 65535 },
  { name: 'int16', Output: Int16Array, min: -32768, max: 32767 },
  { name: 'int32', Output: Int32Array, min: -(2 ** 31), max: 2 ** 31 - 1 },
] as const;

describe.each(outputs)('requantize to $name', ({ Output, min, max }) => {
  const scales = fc.float({ min: 2 ** -10, max: 2, noNaN: true });
  const cases = fc
    .record({ rows: fc.integer({ min: 0, max: 5 }), channels: fc.integer({ min: 1, max: 7 }) })
    .chain(({ rows, channels }) =>
      fc.record({
        sx: scales,
        sy: scales,
        sw: fc.array(scales, { minLength: channels, maxLength: channels }),
        zeroPoint: fc.integer({ min, max }),
        // Accumulators around the output's range, and anywhere.
        steps: fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), {
          minLength: rows * channels,
          maxLength: rows * channels,
        }),
        anywhere: fc.integer(),
      }),
    );

  it('is exact, and within a step of the unrounded product', () => {
    fc.assert(
      fc.property(cases, ({ sx, sw, sy, zeroPoint, steps, anywhere }) => {
        const multipliers = Float32Array.from(sw, (s) => requantizeMultiplier(sx, s, sy));
        const channels = sw.length;
        const acc = Int32Array.from(steps, (x, i) =>
          toInt32((x * (max - min)) / multipliers[i % channels]!),
        );
        if (acc.length > 0) acc[0] = anywhere;
        const out = requantize(acc, multipliers, zeroPoint, min, max, new Output(acc.length));
        for (let i = 0; i < acc.length; i++) {
          const real = nearestFloat32([BigInt(acc[i]!), 1n]);
          const m = multipliers[i % channels]!;
          const product = nearestFloat32(times(exact(real), exact(m)));
          const expected = nearestInteger(exact(product)) + BigInt(zeroPoint);
          expect(out[i]).toBe(limit(expected, min, max));
          if (max > 65535) continue;
          const scale = over(times(exact(sx), exact(sw[i % channels]!)), exact(sy));
          const ideal = nearestInteger(times([BigInt(acc[i]!), 1n], scale)) + BigInt(zeroPoint);
          expect(Math.abs(out[i]! - limit(ideal, min, max))).toBeLessThanOrEqual(1);
        }
      }),
      { seed, numRuns: 400 },
    );
  });
});

describe('requantize', () => {
  const half = Float32Array.of(0.5);

  it('rounds ties to even before adding the zero point', () => {
    const acc = Int32Array.of(1, 3, 5, 7, -1, -3);
    expect([...requantize(acc, half, 7, 0, 255, new Uint8Array(6))]).toEqual([7, 9, 9, 11, 7, 5]);
  });

  it('folds ReLU and ReLU6 into its limits', () => {
    const acc = Int32Array.of(-20, 0, 5, 20, 2000);
    expect([...requantize(acc, half, 7, 7, 12, new Uint8Array(5))]).toEqual([7, 7, 9, 12, 12]);
    expect([...requantize(acc, half, -128, -128, 127, new Int8Array(5))]).toEqual([
      -128, -128, -126, -118, 127,
    ]);
  });

  it('takes one multiplier per innermost channel', () => {
    const acc = Int32Array.of(100, 100, 100, -40, -40, -40);
    const multipliers = Float32Array.of(1, 0.5, 0.25);
    const out = requantize(acc, multipliers, 0, -128, 127, new Int8Array(6));
    expect([...out]).toEqual([100, 50, 25, -40, -20, -10]);
  });

  it('may write over its accumulators, and into views', () => {
    const acc = Int32Array.of(10, -10);
    expect(requantize(acc, half, 3, -128, 127, acc)).toBe(acc);
    expect([...acc]).toEqual([8, -2]);
    const whole = Int8Array.of(9, 9, 9, 9);
    requantize(Int32Array.of(10, -10), half, 3, -128, 127, whole.subarray(1, 3));
    expect([...whole]).toEqual([9, 8, -2, 9]);
  });

  const acc = new Int32Array(6);
  const out = new Int8Array(6);
  it.each<[string, string, () => unknown]>([
    [
      'no multipliers',
      'INVALID_ARGUMENT',
      () => requantize(acc, new Float32Array(0), 0, -128, 127, out),
    ],
    [
      'channels that do not divide',
      'INVALID_ARGUMENT',
      () => requantize(acc, Float32Array.of(1, 1, 1, 1), 0, -128, 127, out),
    ],
    [
      'a zero multiplier',
      'INVALID_QUANTIZATION',
      () => requantize(acc, Float32Array.of(1, 0), 0, -128, 127, out),
    ],
    [
      'a NaN multiplier',
      'INVALID_QUANTIZATION',
      () => requantize(acc, Float32Array.of(Number.NaN), 0, -128, 127, out),
    ],
    ['a zero point between', 'INVALID_ARGUMENT', () => requantize(acc, half, 0.5, -128, 127, out)],
    ['limits of another type', 'INVALID_ARGUMENT', () => requantize(acc, half, 0, 0, 255, out)],
    ['limits the wrong way round', 'INVALID_ARGUMENT', () => requantize(acc, half, 0, 1, 0, out)],
    ['NaN limits', 'INVALID_ARGUMENT', () => requantize(acc, half, 0, Number.NaN, 127, out)],
    [
      'a short output',
      'INVALID_ARGUMENT',
      () => requantize(acc, half, 0, -128, 127, new Int8Array(5)),
    ],
  ])('refuses %s', (_, code, call) => {
    expect(call).toThrow(failsWith(code));
  });
});

describe('requantizeMultiplier', () => {
  it('rounds the product and the quotient to float32', () => {
    const scale = fc.float({ min: 2 ** -20, max: 2 ** 20, noNaN: true });
    fc.assert(
      fc.property(scale, scale, scale, (sx, sw, sy) => {
        const product = nearestFloat32(times(exact(sx), exact(sw)));
        expect(requantizeMultiplier(sx, sw, sy)).toBe(
          nearestFloat32(over(exact(product), exact(sy))),
        );
      }),
      { seed, numRuns: 1000 },
    );
  });

  it.each([
    [0, 1, 1],
    [1, 1, 0],
    [Number.NaN, 1, 1],
    [1, -1, 1],
    [1e-30, 1e-30, 1],
    [1e30, 1e30, 1],
  ])('refuses %d · %d / %d', (sx, sw, sy) => {
    expect(() => requantizeMultiplier(sx, sw, sy)).toThrow(failsWith('INVALID_QUANTIZATION'));
  });
});
