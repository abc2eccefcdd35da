import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementCount } from '../../src/core/shape.js';
import {
  fromMultiplier,
  integerRange,
  type Mapping,
  paramsFromRange,
  paramsOf,
  perTensor,
  type QuantizedType,
  type QuantParams,
  quantizedTypes,
  type Range,
  type RangeOptions,
  roundHalfEven,
  scaleDims,
  toMultiplier,
  validateParams,
} from '../../src/numerics/index.js';
import { layoutCases, nameOf, randomSource, scaleDimsOf, scaleIndexOf } from './cases.js';
import { exact, minus, nearestFloat32, nearestInteger, over } from './rational.js';

const seed = 0x0c7d;
const chosen = quantizedTypes.filter((type) => type !== 'int32');
const failsWith = (code: string) => expect.objectContaining({ name: 'OctavoError', code });

describe('integerRange', () => {
  it.each<[QuantizedType, RangeOptions, number, number]>([
    ['int8', {}, -128, 127],
    ['uint8', {}, 0, 255],
    ['int16', {}, -32768, 32767],
    ['uint16', {}, 0, 65535],
    ['int4', {}, -8, 7],
    ['uint4', {}, 0, 15],
    ['int2', {}, -2, 1],
    ['uint2', {}, 0, 3],
    ['int1', {}, -1, 1],
    ['int32', {}, -(2 ** 31), 2 ** 31 - 1],
    ['int8', { narrow: true }, -127, 127],
    ['uint8', { narrow: true }, 1, 255],
    ['int2', { narrow: true }, -1, 1],
    ['int1', { narrow: true }, -1, 1],
    ['int8', { reduceRange: true }, -64, 63],
    ['uint8', { reduceRange: true }, 0, 127],
    ['int4', { reduceRange: true }, -4, 3],
    ['int8', { reduceRange: true, narrow: true }, -63, 63],
    ['uint8', { reduceRange: true, narrow: true }, 1, 127],
  ])('of %s %j is %i to %i', (type, options, min, max) => {
    expect(integerRange(type, options)).toEqual({ min, max });
  });

  it.each<[QuantizedType, string]>([
    ['int2', 'INVALID_ARGUMENT'],
    ['uint2', 'INVALID_ARGUMENT'],
    ['int1', 'INVALID_ARGUMENT'],
    ['float32' as never, 'UNSUPPORTED_TYPE'],
    ['toString' as never, 'UNSUPPORTED_TYPE'],
  ])('of %s has no reduced form: %s', (type, code) => {
    expect(() => integerRange(type, { reduceRange: true })).toThrow(failsWith(code));
  });
});

describe('paramsFromRange', () => {
  const f = Math.fround;
  it.each<[string, Range, Mapping, number, number]>([
    ['affine uint8', { min: -1, max: 1 }, { type: 'uint8' }, f(2 / 255), 127],
    ['affine int8', { min: -1, max: 1 }, { type: 'int8' }, f(2 / 255), -1],
    ['affine, all positive', { min: 2, max: 5.1 }, { type: 'uint8' }, f(5.1 / 255), 0],
    ['affine, all negative', { min: -5.1, max: -2 }, { type: 'uint8' }, f(5.1 / 255), 255],
    ['affine int8, all positive', { min: 2, max: 5.1 }, { type: 'int8' }, f(5.1 / 255), -128],
    ['affine int8, all negative', { min: -5.1, max: -2 }, { type: 'int8' }, f(5.1 / 255), 127],
    ['affine narrow', { min: 0, max: 254 }, { type: 'int8', narrow: true }, 1, -127],
    ['affine reduced', { min: 0, max: 127 }, { type: 'uint8', reduceRange: true }, 1, 0],
    ['affine uint4', { min: -3, max: 12 }, { type: 'uint4' }, 1, 3],
    ['affine int2', { min: -1, max: 2 }, { type: 'int2' }, 1, -1],
    ['affine uint16', { min: -1, max: 65534 }, { type: 'uint16' }, 1, 1],
    ['a tied zero point, rounded to even', { min: -2.5, max: 252.5 }, { type: 'uint8' }, 1, 2],
    ['symmetric int8', { min: -3, max: 1 }, { type: 'int8', symmetric: true }, f(3 / 127), 0],
    ['symmetric int4', { min: -3, max: 7 }, { type: 'int4', symmetric: true }, 1, 0],
    ['symmetric int16', { min: 0, max: 1 }, { type: 'int16', symmetric: true }, f(1 / 32767), 0],
    ['symmetric uint8', { min: -3, max: 1 }, { type: 'uint8', symmetric: true }, f(3 / 127), 128],
    [
      'symmetric reduced',
      { min: -63, max: 1 },
      { type: 'int8', symmetric: true, reduceRange: true },
      1,
      0,
    ],
    ['int1', { min: -3, max: 1 }, { type: 'int1' }, 3, 0],
    ['all zero, uint8', { min: 0, max: 0 }, { type: 'uint8' }, 1, 0],
    ['all zero, int8', { min: -0, max: 0 }, { type: 'int8' }, 1, 0],
    ['all zero, symmetric', { min: 0, max: 0 }, { type: 'int8', symmetric: true }, 1, 0],
    ['a subnormal range', { min: 0, max: 2 ** -149 }, { type: 'uint8' }, 2 ** -126, 0],
    ['a subnormal range below', { min: -(2 ** -149), max: 0 }, { type: 'int8' }, 2 ** -126, -128],
    [
      'the whole of float32',
      { min: -(2 ** 128 - 2 ** 104), max: 2 ** 128 - 2 ** 104 },
      { type: 'uint8' },
      f((2 ** 128 - 2 ** 104) / 127.5),
      128,
    ],
  ])('takes %s', (_, range, mapping, scale, zeroPoint) => {
    expect(paramsFromRange(range, mapping)).toEqual({ scale, zeroPoint });
  });

  it('is the formula, and represents zero exactly', () => {
    const bound = fc.float({ min: Math.fround(-1e30), max: Math.fround(1e30), noNaN: true });
    const ranges = fc
      .tuple(bound, bound)
      .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
    const types = fc.constantFrom(...chosen.filter((type) => type !== 'int1'));
    fc.assert(
      fc.property(ranges, types, fc.boolean(), (range, type, symmetric) => {
        const { scale, zeroPoint } = paramsFromRange(range, { type, symmetric });
        const q = integerRange(type, { narrow: symmetric });
        expect(Object.is(zeroPoint, -0)).toBe(false);
        validateParams(perTensor(type, scale, zeroPoint), []);
        const low = exact(Math.min(range.min, 0));
        const high = exact(Math.max(range.max, 0));
        if (symmetric) {
          const largest = exact(Math.max(Math.abs(range.min), Math.abs(range.max)));
          const expected = nearestFloat32(over(largest, [BigInt(q.max - q.min), 2n]));
          expect(scale).toBe(largest[0] === 0n ? 1 : Math.max(expected, 2 ** -126));
          expect(zeroPoint).toBe((q.min + q.max) / 2);
        } else {
          const extent = nearestFloat32(minus(high, low));
          if (extent === 0) return expect({ scale, zeroPoint }).toEqual({ scale: 1, zeroPoint: 0 });
          const ideal = nearestFloat32(over(exact(extent), [BigInt(q.max - q.min), 1n]));
          expect(scale).toBe(Math.max(ideal, 2 ** -126));
          const below = nearestFloat32(over(low, exact(scale)));
          const zero = nearestFloat32(minus([BigInt(q.min), 1n], exact(below)));
          const nearest = Number(nearestInteger(exact(zero)));
          expect(zeroPoint).toBe(Math.min(q.max, Math.max(q.min, nearest)));
        }
      }),
      { seed, numRuns: 2000 },
    );
  });

  it.each<[string, Range, Mapping, string]>([
    ['NaN', { min: Number.NaN, max: 1 }, { type: 'int8' }, 'INVALID_CALIBRATION'],
    ['NaN above', { min: 0, max: Number.NaN }, { type: 'int8' }, 'INVALID_CALIBRATION'],
    ['an infinity', { min: 0, max: Infinity }, { type: 'int8' }, 'INVALID_CALIBRATION'],
    ['an infinity below', { min: -Infinity, max: 0 }, { type: 'int8' }, 'INVALID_CALIBRATION'],
    ['no range', { min: Infinity, max: -Infinity }, { type: 'int8' }, 'INVALID_CALIBRATION'],
    ['min above max', { min: 1, max: 0 }, { type: 'int8' }, 'INVALID_CALIBRATION'],
    ['values beyond float32', { min: 0, max: 1e39 }, { type: 'int8' }, 'INVALID_CALIBRATION'],
    ['int32', { min: 0, max: 1 }, { type: 'int32' }, 'UNSUPPORTED_TYPE'],
    ['a float type', { min: 0, max: 1 }, { type: 'float32' as never }, 'UNSUPPORTED_TYPE'],
    ['affine int1', { min: 0, max: 1 }, { type: 'int1', symmetric: false }, 'INVALID_ARGUMENT'],
    ['a reduced int2', { min: 0, max: 1 }, { type: 'int2', reduceRange: true }, 'INVALID_ARGUMENT'],
  ])('refuses %s', (_, range, mapping, code) => {
    expect(() => paramsFromRange(range, mapping)).toThrow(failsWith(code));
  });

  it('names the tensor in errors', () => {
    const call = () => paramsFromRange({ min: Number.NaN, max: 1 }, { type: 'int8' }, 'relu1');
    expect(call).toThrow(/^relu1: .*NaN/);
  });
});

describe('paramsOf', () => {
  const random = randomSource(seed);

  describe.each(layoutCases.map((layout) => [nameOf(layout), layout] as const))(
    'per %s',
    (_, layout) => {
      const { dims, granularity, axis, blockSize } = layout;
      const data = Float32Array.from({ length: elementCount(dims) }, () => random() ** 3 * 8 - 2);
      const parts: number[][] = Array.from({ length: elementCount(scaleDimsOf(layout)) }, () => []);
      data.forEach((x, i) => {
        parts[scaleIndexOf(layout, i)]!.push(x);
      });

      it.each(
        chosen.flatMap((type) => [false, true].map((symmetric) => [type, symmetric] as const)),
      )('takes the range of each part: %s, symmetric %s', (type, symmetric) => {
        if (type === 'int1' && !symmetric) return;
        const params = paramsOf(data, dims, { type, symmetric, granularity });
        const expected = parts.map((part) =>
          type === 'int1'
            ? {
                scale: Math.fround(part.reduce((sum, x) => sum + Math.abs(x), 0) / part.length),
                zeroPoint: 0,
              }
            : paramsFromRange(
                { min: Math.min(...part), max: Math.max(...part) },
                { type, symmetric },
              ),
        );
        expect([...params.scale]).toEqual(expected.map(({ scale }) => scale));
        expect([...params.zeroPoint]).toEqual(expected.map(({ zeroPoint }) => zeroPoint));
        expect([params.axis, params.blockSize]).toEqual([axis, blockSize]);
        expect(params.narrow ?? false).toBe(symmetric);
        expect(scaleDims(dims, params)).toEqual(scaleDimsOf(layout));
        validateParams(params, dims);
      });
    },
  );

  it('gives parts that are zero a scale of 1', () => {
    const data = Float32Array.of(0, -0, 254, 0);
    const params = paramsOf(data, [2, 2], { type: 'int8', symmetric: true, granularity: 'row' });
    expect([...params.scale]).toEqual([1, 2]);
    const bits = paramsOf(data, [2, 2], { type: 'int1', granularity: 'row' });
    expect([...bits.scale]).toEqual([1, 127]);
  });

  it('passes restrictions on', () => {
    const data = Float32Array.of(-63, 1);
    const options = { type: 'int8', symmetric: true, reduceRange: true } as const;
    expect(paramsOf(data, [2], options)).toEqual({
      ...perTensor('int8', 1),
      narrow: true,
      reduceRange: true,
    });
  });

  const ok = Float32Array.of(1, 2, 3, 4);
  const type = 'int8';
  it.each<[string, string, () => unknown]>([
    ['NaN', 'INVALID_CALIBRATION', () => paramsOf(Float32Array.of(1, Number.NaN), [2], { type })],
    ['−∞', 'INVALID_CALIBRATION', () => paramsOf(Float32Array.of(-Infinity), [1], { type })],
    ['no data', 'INVALID_CALIBRATION', () => paramsOf(new Float32Array(0), [0, 1e9], { type })],
    ['too little data', 'INVALID_TENSOR', () => paramsOf(ok, [5], { type })],
    ['another container', 'INVALID_TENSOR', () => paramsOf([1] as never, [1], { type })],
    ['rows of a vector', 'INVALID_ARGUMENT', () => paramsOf(ok, [4], { type, granularity: 'row' })],
    [
      'columns of a volume',
      'INVALID_ARGUMENT',
      () => paramsOf(ok, [2, 2, 1], { type, granularity: 'column' }),
    ],
    [
      'an axis that is not there',
      'INVALID_ARGUMENT',
      () => paramsOf(ok, [2, 2], { type, granularity: { channel: 2 } }),
    ],
    [
      'an axis between two',
      'INVALID_ARGUMENT',
      () => paramsOf(ok, [2, 2], { type, granularity: { channel: 0.5 } }),
    ],
    ...[0, -1, 1.5, Number.NaN, Infinity].map((block): [string, string, () => unknown] => [
      `blocks of ${block}`,
      'INVALID_ARGUMENT',
      () => paramsOf(ok, [2, 2], { type, granularity: { block, axis: 1 } }),
    ]),
    ...['rows', null, {}, { block: 2 }, 3].map((granularity): [string, string, () => unknown] => [
      `granularity ${JSON.stringify(granularity)}`,
      'INVALID_ARGUMENT',
      () => paramsOf(ok, [2, 2], { type, granularity: granularity as never }),
    ]),
    ['int32', 'UNSUPPORTED_TYPE', () => paramsOf(ok, [4], { type: 'int32' })],
    [
      'affine int1',
      'INVALID_ARGUMENT',
      () => paramsOf(ok, [4], { type: 'int1', symmetric: false }),
    ],
  ])('refuses %s', (_, code, call) => {
    expect(call).toThrow(failsWith(code));
  });

  it('names the tensor and the value in errors', () => {
    const call = () =>
      paramsOf(Float32Array.of(1, Number.NaN), [2], { type, where: 'conv1.weight' });
    expect(call).toThrow(/^conv1\.weight: value 1 .*NaN/);
  });
});

describe('validateParams', () => {
  const good: QuantParams = {
    type: 'int8',
    scale: Float32Array.of(1, 2, 3),
    zeroPoint: Int32Array.of(-128, 0, 127),
    axis: 1,
  };
  const blocked = {
    ...good,
    blockSize: 2,
    scale: new Float32Array(4).fill(1),
    zeroPoint: new Int32Array(4),
  };

  it('takes good ones', () => {
    validateParams(good, [2, 3]);
    validateParams({ ...good, axis: -1 }, [2, 3]);
    validateParams(blocked, [2, 3]);
    validateParams(perTensor('int32', 2 ** -149), []);
  });

  it.each<[string, object, string]>([
    ['a zero scale', { scale: Float32Array.of(1, 0, 3) }, 'INVALID_QUANTIZATION'],
    ['a negative zero scale', { scale: Float32Array.of(1, -0, 3) }, 'INVALID_QUANTIZATION'],
    ['a negative scale', { scale: Float32Array.of(1, -2, 3) }, 'INVALID_QUANTIZATION'],
    ['a NaN scale', { scale: Float32Array.of(Number.NaN, 2, 3) }, 'INVALID_QUANTIZATION'],
    ['an infinite scale', { scale: Float32Array.of(1, 2, Infinity) }, 'INVALID_QUANTIZATION'],
    ['too few scales', { scale: Float32Array.of(1, 2) }, 'INVALID_QUANTIZATION'],
    ['scales in an array', { scale: [1, 2, 3] }, 'INVALID_QUANTIZATION'],
    ['no scales', { scale: undefined }, 'INVALID_QUANTIZATION'],
    ['too many zero points', { zeroPoint: new Int32Array(4) }, 'INVALID_QUANTIZATION'],
    ['zero points of int8', { zeroPoint: new Int8Array(3) }, 'INVALID_QUANTIZATION'],
    ['a zero point below', { zeroPoint: Int32Array.of(0, -129, 0) }, 'INVALID_QUANTIZATION'],
    ['a zero point above', { zeroPoint: Int32Array.of(0, 0, 128) }, 'INVALID_QUANTIZATION'],
    ['a zero point below the narrow ones', { narrow: true }, 'INVALID_QUANTIZATION'],
    ['a zero point with int32', { type: 'int32' }, 'INVALID_QUANTIZATION'],
    ['no axis', { axis: undefined }, 'INVALID_QUANTIZATION'],
    ['another axis', { axis: 0 }, 'INVALID_QUANTIZATION'],
    ['an axis too many', { axis: 2 }, 'INVALID_ARGUMENT'],
    ['blocks of nothing', { blockSize: 0 }, 'INVALID_QUANTIZATION'],
    ['blocks with scales of an axis', { blockSize: 2 }, 'INVALID_QUANTIZATION'],
    ['blocks without an axis', { ...blocked, axis: undefined }, 'INVALID_QUANTIZATION'],
    ['another type', { type: 'float16' }, 'UNSUPPORTED_TYPE'],
  ])('refuses %s', (_, change, code) => {
    const params = { ...good, ...change } as QuantParams;
    expect(() => validateParams(params, [2, 3], 'x')).toThrow(failsWith(code));
  });

  it('says what it found where', () => {
    const params = { ...good, scale: Float32Array.of(1, 0, 3) };
    expect(() => validateParams(params, [2, 3], 'fc.weight')).toThrow(
      'fc.weight: bad scale 1; expected positive and finite, found 0',
    );
  });
});

describe('the multiplier convention', () => {
  it('has the formulas of the paper', () => {
    const bound = fc.double({ min: 0.01, max: 100, noNaN: true });
    const types = fc.constantFrom<QuantizedType>('int8', 'int16', 'int4', 'int2');
    fc.assert(
      fc.property(bound, bound, types, (below, above, type) => {
        const { s, z } = toMultiplier(paramsFromRange({ min: -below, max: above }, { type }));
        const integers = { int8: 256, int16: 65536, int4: 16, int2: 4 }[type as 'int8'];
        expect(s / ((integers - 1) / (below + above))).toBeCloseTo(1, 6);
        const exactZ = below * s - integers / 2;
        expect(Math.abs(z - Math.min(exactZ, integers / 2 - 1))).toBeLessThanOrEqual(0.5 + 1e-9);
      }),
      { seed, numRuns: 500 },
    );
  });

  it('gives back every scale and zero point', () => {
    const scales = fc.float({ min: 2 ** -149, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(scales, fc.integer({ min: -128, max: 127 }), (scale, zeroPoint) => {
        const params = { scale, zeroPoint };
        expect(fromMultiplier(toMultiplier(params), 'int8')).toEqual(params);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it('quantizes to the same integers', () => {
    const { s, z } = toMultiplier(paramsFromRange({ min: -1, max: 3 }, { type: 'int8' }));
    expect([-1, 0, 3].map((x) => roundHalfEven(s * x) + z)).toEqual([-128, -64, 127]);
  });

  it.each<[string, () => unknown]>([
    ['a zero scale', () => toMultiplier({ scale: 0, zeroPoint: 0 })],
    ['a NaN scale', () => toMultiplier({ scale: Number.NaN, zeroPoint: 0 })],
    ['a zero multiplier', () => fromMultiplier({ s: 0, z: 0 }, 'int8')],
    ['a negative multiplier', () => fromMultiplier({ s: -1, z: 0 }, 'int8')],
    ['an infinite multiplier', () => fromMultiplier({ s: Infinity, z: 0 }, 'int8')],
    ['a multiplier whose scale vanishes', () => fromMultiplier({ s: 1e60, z: 0 }, 'int8')],
    ['a zero point outside', () => fromMultiplier({ s: 1, z: -129 }, 'int8')],
    ['a zero point between', () => fromMultiplier({ s: 1, z: 0.5 }, 'int8')],
  ])('refuses %s', (_, call) => {
    expect(call).toThrow(failsWith('INVALID_QUANTIZATION'));
  });
});
