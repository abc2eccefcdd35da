import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Shape } from '../../src/core/shape.js';
import {
  dequantize,
  dynamicQuantize,
  integerRange,
  isPackedType,
  type PackedType,
  paramsFromRange,
  paramsOf,
  perTensor,
  type QuantizedType,
  type QuantParams,
  quantize,
  quantizedTypes,
  unpack,
} from '../../src/numerics/index.js';
import {
  type LayoutCase,
  layoutCases,
  nameOf,
  randomParams,
  randomSource,
  randomValues,
  scaleIndexOf,
} from './cases.js';
import { exact, nearestFloat32, nearestInteger, over, times } from './rational.js';

const seed = 0x0c7c;

/** One integer per element, whatever the storage. */
function integersOf(
  data: ReturnType<typeof quantize>,
  count: number,
  type: QuantizedType,
): number[] {
  return isPackedType(type) ? [...unpack(data as Uint8Array, count, type)] : [...data];
}

/** The definition of quantize for one element, in exact arithmetic. */
function quantizeExactly(x: number, scale: number, zeroPoint: number, params: QuantParams): number {
  const { min, max } = integerRange(params.type, params);
  if (params.type === 'int1') return x >= 0 ? 1 : -1;
  if (Number.isNaN(x)) return min;
  if (!Number.isFinite(x)) return x > 0 ? max : min;
  const quotient = nearestFloat32(over(exact(x), exact(scale)));
  if (!Number.isFinite(quotient)) return quotient > 0 ? max : min;
  const steps = nearestInteger(exact(quotient)) + BigInt(zeroPoint);
  return steps < min ? min : steps > max ? max : Number(steps);
}

function dequantizeExactly(q: number, scale: number, zeroPoint: number): number {
  const steps = nearestFloat32([BigInt(q) - BigInt(zeroPoint), 1n]);
  return nearestFloat32(times(exact(steps), exact(scale)));
}

function expectExact(layout: LayoutCase, params: QuantParams, values: Float32Array): void {
  const codes = quantize(values, layout.dims, params);
  const integers = integersOf(codes, values.length, params.type);
  const indices = Array.from(values, (_, i) => scaleIndexOf(layout, i));
  const scaleOf = (i: number) => params.scale[indices[i]!]!;
  const zeroOf = (i: number) => params.zeroPoint[indices[i]!]!;
  expect(integers).toEqual(
    Array.from(values, (x, i) => quantizeExactly(x, scaleOf(i), zeroOf(i), params)),
  );
  const reals = [...dequantize(codes, layout.dims, params)].map((x) => x + 0);
  expect(reals).toEqual(integers.map((q, i) => dequantizeExactly(q, scaleOf(i), zeroOf(i))));
}

describe.each(quantizedTypes)('%s', (type) => {
  const random = randomSource(seed);

  it.each(layoutCases.map((layout) => [nameOf(layout), layout] as const))(
    'is exact per %s',
    (_, layout) => {
      for (let round = 0; round < 3; round++) {
        const params = randomParams(type, layout, random);
        expectExact(layout, params, randomValues(layout, params, random));
      }
    },
  );

  it('is exact for any float32 and any scale', () => {
    const layout: LayoutCase = { granularity: 'tensor', dims: [5] };
    const { min, max } = integerRange(type);
    const zeroPoints =
      type === 'int1' || type === 'int32' ? fc.constant(0) : fc.integer({ min, max });
    const scales = fc.oneof(
      fc.float({ min: 2 ** -149, noNaN: true, noDefaultInfinity: true }),
      fc.float({ min: Math.fround(1e-3), max: 10, noNaN: true }),
    );
    const values = fc.oneof(fc.float(), fc.float({ min: -1000, max: 1000 }));
    fc.assert(
      fc.property(
        scales,
        zeroPoints,
        fc.array(values, { minLength: 5, maxLength: 5 }),
        (scale, zeroPoint, data) => {
          expectExact(layout, perTensor(type, scale, zeroPoint), Float32Array.from(data));
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  it('keeps to the restricted integers', () => {
    if (type === 'int32') return expect(integerRange(type, { narrow: true }).min).toBe(1 - 2 ** 31);
    const options = { narrow: true, reduceRange: !['int1', 'int2', 'uint2'].includes(type) };
    const { min, max } = integerRange(type, options);
    const middle = type === 'int1' ? 0 : Math.ceil((min + max) / 2);
    const params = { ...perTensor(type, 1, middle), ...options };
    const values = Float32Array.of(-1e9, 1e9, -Infinity, Infinity, Number.NaN);
    const codes = integersOf(quantize(values, [5], params), 5, type);
    expect(codes).toEqual([min, max, min, max, min]);
  });

  it('takes tensors without elements', () => {
    for (const dims of [[0], [3, 0], [0, 3]]) {
      expect(quantize(new Float32Array(0), dims, perTensor(type, 1))).toHaveLength(0);
      const empty = quantize(new Float32Array(0), dims, perTensor(type, 1));
      expect(dequantize(empty, dims, perTensor(type, 1))).toHaveLength(0);
    }
  });
});

describe('quantize', () => {
  it.each([
    [[0.5, 1.5, 2.5, 3.5], 7, [7, 9, 9, 11]],
    [[-0.5, -1.5, -2.5, -3.5], 7, [7, 5, 5, 3]],
    [[0, -0, 1e-45, -1e-45], 7, [7, 7, 7, 7]],
    [[Infinity, -Infinity, Number.NaN, 3e38, -3e38], 7, [127, -128, -128, 127, -128]],
  ])('rounds %j before adding zero point %i', (values, zeroPoint, expected) => {
    const data = Float32Array.from(values);
    const codes = quantize(data, [data.length], perTensor('int8', 1, zeroPoint));
    expect([...codes]).toEqual(expected);
  });

  it('divides: multiplying by 1 / scale would miss ties', () => {
    const random = randomSource(seed);
    let found = 0;
    for (let tries = 0; found < 64 && tries < 1e6; tries++) {
      const scale = Math.fround(random() + 0.01);
      const steps = Math.floor(random() * 100) + 0.5;
      const x = Math.fround(steps * scale);
      const isTie = Math.fround(x / scale) === steps;
      if (!isTie || Math.fround(x * Math.fround(1 / scale)) === steps) continue;
      found++;
      const even = 2 * Math.round(steps / 2);
      expect(quantize(Float32Array.of(x), [1], perTensor('int8', scale))[0]).toBe(even);
    }
    expect(found).toBe(64);
  });

  it('keeps the sign alone for int1, the padding clear', () => {
    const values = [3, -0.001, 0, -0, Number.NaN, Infinity, -Infinity, -1, 5];
    const data = Float32Array.from(values);
    const packed = quantize(data, [9], perTensor('int1', 0.25));
    expect([...packed]).toEqual([0b00101101, 0b1]);
    const expected = [1, -1, 1, 1, -1, 1, -1, -1, 1].map((x) => x / 4);
    expect([...dequantize(packed, [9], perTensor('int1', 0.25))]).toEqual(expected);
  });

  it('moves no value inside the range by more than half a step', () => {
    const types = quantizedTypes.filter((type) => type !== 'int32' && type !== 'int1');
    const float = fc.float({ min: -(2 ** 127), max: 2 ** 127, noNaN: true });
    const values = fc.oneof(
      fc.array(float, { minLength: 1, maxLength: 40 }),
      fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 40 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.boolean(),
        fc.boolean(),
        values,
        (type, symmetric, narrow, list) => {
          const data = Float32Array.from(list);
          const params = paramsOf(data, [data.length], { type, symmetric, narrow });
          const scale = params.scale[0]!;
          const back = dequantize(quantize(data, [data.length], params), [data.length], params);
          for (let i = 0; i < data.length; i++) {
            // Steps are counted in float32: up to 65535 of them leave 2^-7 of a step uncertain.
            expect(Math.abs(back[i]! / scale - data[i]! / scale)).toBeLessThanOrEqual(
              0.5 + 2 ** -7,
            );
            if (data[i] === 0) expect(back[i]).toBe(0);
          }
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it('brings every integer of a type back', () => {
    for (const type of quantizedTypes.filter((type) => type !== 'int32')) {
      const { min, max } = integerRange(type);
      const step = type === 'int1' ? 2 : 1;
      const all = Array.from({ length: (max - min) / step + 1 }, (_, i) => min + i * step);
      const scale = Math.fround(0.1);
      const zeroPoint = type === 'int1' ? 0 : min + 1;
      const reals = Float32Array.from(all, (q) => (q - zeroPoint) * scale);
      const params = perTensor(type, scale, zeroPoint);
      const codes = quantize(reals, [all.length], params);
      expect(integersOf(codes, all.length, type)).toEqual(all);
      expect(dequantize(codes, [all.length], params)).toEqual(reals);
    }
  });

  it('reads views at an offset', () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    expect([...quantize(data, [2], perTensor('int16', 0.5))]).toEqual([2, 4]);
    const codes = Int8Array.of(9, -2, -4, 9).subarray(1, 3);
    expect([...dequantize(codes, [2], perTensor('int8', 0.5))]).toEqual([-1, -2]);
  });

  const ok = Float32Array.of(1, 2, 3, 4);
  it.each<[string, string, () => unknown]>([
    ['too little data', 'INVALID_TENSOR', () => quantize(ok, [5], perTensor('int8', 1))],
    [
      'another container',
      'INVALID_TENSOR',
      () => quantize([1] as never, [1], perTensor('int8', 1)),
    ],
    ['no dims', 'INVALID_TENSOR', () => quantize(ok, undefined as never, perTensor('int8', 1))],
    ['a float type', 'UNSUPPORTED_TYPE', () => quantize(ok, [4], perTensor('float32' as never, 1))],
    ['a zero scale', 'INVALID_QUANTIZATION', () => quantize(ok, [4], perTensor('int8', 0))],
    [
      'codes of another type',
      'INVALID_TENSOR',
      () => dequantize(new Uint8Array(4), [4], perTensor('int8', 1)),
    ],
    [
      'too few packed codes',
      'INVALID_TENSOR',
      () => dequantize(new Uint8Array(1), [4], perTensor('int4', 1)),
    ],
    [
      'a NaN scale',
      'INVALID_QUANTIZATION',
      () => dequantize(new Int8Array(4), [4], perTensor('int8', Number.NaN)),
    ],
  ])('refuses %s', (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ name: 'OctavoError', code }));
  });

  it('names the tensor in errors', () => {
    expect(() => quantize(ok, [5], perTensor('int8', 1), 'conv1.weight')).toThrow(
      /^conv1\.weight: /,
    );
  });
});

describe('dequantize', () => {
  it('reads int32 biases as float32 first', () => {
    const q = Int32Array.of(16777217, 2147483647, -2147483648, -33554435);
    const scale = Math.fround(0.3);
    const expected = [...q].map((code) => dequantizeExactly(code, scale, 0));
    expect([...dequantize(q, [4], perTensor('int32', scale))]).toEqual(expected);
  });
});

describe('dynamicQuantize', () => {
  const largest = Math.fround(3.4028234663852886e38);
  it.each<[string, number[], { scale: number; zeroPoint: number; data: number[] }]>([
    ['nothing', [], { scale: 1, zeroPoint: 0, data: [] }],
    ['zeros', [0, -0], { scale: 1, zeroPoint: 0, data: [0, 0] }],
    ['0 to 255', [0, 255, 127.5], { scale: 1, zeroPoint: 0, data: [0, 255, 128] }],
    ['−255 to 0', [-255, -2.5], { scale: 1, zeroPoint: 255, data: [0, 253] }],
    ['both sides', [-127, 128, 0.5], { scale: 1, zeroPoint: 127, data: [0, 255, 127] }],
    ['NaN', [Number.NaN, 255], { scale: 1, zeroPoint: 0, data: [0, 255] }],
    ['the smallest subnormal', [2 ** -149], { scale: 2 ** -126, zeroPoint: 0, data: [0] }],
    [
      'an infinity',
      [Infinity, 1],
      { scale: Math.fround(largest / 255), zeroPoint: 0, data: [255, 0] },
    ],
    [
      'a range beyond float32',
      [Infinity, -Infinity, 0],
      { scale: Math.fround((2 * largest) / 255), zeroPoint: 128, data: [255, 0, 128] },
    ],
  ])('takes %s', (_, values, expected) => {
    const { data, scale, zeroPoint } = dynamicQuantize(Float32Array.from(values));
    expect({ data: [...data], scale, zeroPoint }).toEqual(expected);
  });

  it('is quantize with paramsFromRange', () => {
    const values = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, (list) => {
        const data = Float32Array.from(list);
        const { data: codes, scale, zeroPoint } = dynamicQuantize(data);
        const dims: Shape = [data.length];
        expect(codes).toEqual(quantize(data, dims, perTensor('uint8', scale, zeroPoint)));
        const range = { min: Math.min(...data), max: Math.max(...data) };
        expect({ scale, zeroPoint }).toEqual(paramsFromRange(range, { type: 'uint8' }));
      }),
      { seed, numRuns: 300 },
    );
  });
});

it('packs without changing an integer', () => {
  const packed: PackedType[] = ['int4', 'uint4', 'int2', 'uint2'];
  for (const type of packed) {
    const { min, max } = integerRange(type);
    const data = Float32Array.from({ length: 33 }, (_, i) => min + (i % (max - min + 1)));
    const codes = quantize(data, [33], perTensor(type, 1));
    expect([...unpack(codes, 33, type)]).toEqual([...data]);
  }
});
