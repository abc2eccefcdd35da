import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bfloat16ToFloat32,
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/core/half.js';
import { exact, nearestBfloat16, nearestFloat16, type Rational } from './rational.js';

const seed = 0x0c7b;

interface Format {
  readonly name: string;
  readonly fractionBits: number;
  readonly bias: number;
  readonly encode: (data: Float32Array) => Uint16Array;
  readonly decode: (bits: Uint16Array) => Float32Array;
  readonly encodeOne: (value: number) => number;
  readonly decodeOne: (bits: number) => number;
  readonly nearest: (value: Rational) => number;
}

const formats: Format[] = [
  {
    name: 'float16',
    fractionBits: 10,
    bias: 15,
    encode: encodeFloat16,
    decode: decodeFloat16,
    encodeOne: float32ToFloat16,
    decodeOne: float16ToFloat32,
    nearest: nearestFloat16,
  },
  {
    name: 'bfloat16',
    fractionBits: 7,
    bias: 127,
    encode: encodeBfloat16,
    decode: decodeBfloat16,
    encodeOne: float32ToBfloat16,
    decodeOne: bfloat16ToFloat32,
    nearest: nearestBfloat16,
  },
];

/** The value of a pattern from the definition of the format. */
function patternValue(bits: number, { fractionBits, bias }: Format): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const fraction = bits & (2 ** fractionBits - 1);
  const exponent = (bits & 0x7fff) >> fractionBits;
  if (exponent === 2 * bias + 1) return fraction ? Number.NaN : sign * Infinity;
  const significand = exponent === 0 ? fraction : fraction + 2 ** fractionBits;
  return sign * significand * 2 ** (Math.max(exponent, 1) - bias - fractionBits);
}

const allBits = Uint16Array.from({ length: 65536 }, (_, i) => i);
const wordsOf = (data: Float32Array) => new Uint32Array(data.buffer);

describe.each(formats)('$name', (format) => {
  const { encode, decode, encodeOne, decodeOne, nearest, fractionBits } = format;
  const quietBit = 1 << (fractionBits - 1);

  it('widens all 65,536 patterns exactly', () => {
    const values = decode(allBits);
    const wrong = [...allBits].filter(
      (bits) =>
        !Object.is(values[bits], patternValue(bits, format)) ||
        !Object.is(decodeOne(bits), patternValue(bits, format)),
    );
    expect(wrong).toEqual([]);
  });

  it('brings all 65,536 patterns back, NaN made quiet', () => {
    const holdsNaN = (bits: number) => Number.isNaN(patternValue(bits, format));
    const back = encode(decode(allBits));
    const expected = allBits.map((bits) => (holdsNaN(bits) ? bits | quietBit : bits));
    expect(back).toEqual(expected);
    const wrong = [...allBits].filter(
      (bits) => !holdsNaN(bits) && encodeOne(decodeOne(bits)) !== bits,
    );
    expect(wrong).toEqual([]);
  });

  it('rounds what lies between two neighbours: the middle to the even one', () => {
    const infinity = (2 * format.bias + 1) << fractionBits;
    for (let bits = 0; bits < infinity; bits++) {
      const low = patternValue(bits, format);
      const next =
        bits + 1 === infinity
          ? low + (low - patternValue(bits - 1, format))
          : patternValue(bits + 1, format);
      const middle = (low + next) / 2;
      const step = 2 ** -149;
      const ulp = Math.max(step, middle * 2 ** -23);
      const samples = [middle, middle - ulp, middle + ulp].map(Math.fround);
      const even = bits % 2 === 0 ? bits : bits + 1;
      const encoded = [...encode(Float32Array.from(samples))];
      if (encoded.join() !== [even, bits, bits + 1].join()) {
        expect.fail(`between ${low} and ${next}: ${samples} became ${encoded}`);
      }
      const negative = [...encode(Float32Array.from(samples.map((x) => -x)))];
      expect(negative.map((x) => x & 0x7fff)).toEqual(encoded);
      expect(negative.every((x) => x >= 0x8000)).toBe(true);
    }
  });

  it('is the nearest value for any float32', () => {
    const value = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ min: Math.fround(-1e5), max: Math.fround(1e5), noNaN: true }),
      fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4), noNaN: true }),
    );
    fc.assert(
      fc.property(value, (x) => {
        const expected = x === 0 ? x : nearest(exact(x));
        expect(decodeOne(encodeOne(x)) + 0).toBe(expected + 0);
        expect(encode(Float32Array.of(x))[0]).toBe(encodeOne(x));
        expect(encodeOne(x) >> 15).toBe(x < 0 || Object.is(x, -0) ? 1 : 0);
      }),
      { seed, numRuns: 3000 },
    );
  });

  it('keeps NaN, its sign and upper payload, and makes it quiet', () => {
    const words = Uint32Array.of(
      0x7f800001,
      0xff800001,
      0x7fc00000,
      0xffc00000,
      0x7fabe000,
      0x7fffffff,
    );
    const bits = encode(new Float32Array(words.buffer));
    for (let i = 0; i < words.length; i++) {
      const infinity = (2 * format.bias + 1) << fractionBits;
      const payload = (words[i]! >>> (23 - fractionBits)) & (2 ** fractionBits - 1);
      expect(bits[i]).toBe(((words[i]! >>> 16) & 0x8000) | infinity | payload | quietBit);
    }
    const back = wordsOf(decode(bits));
    expect(back.every((word) => (word & 0x7fc00000) === 0x7fc00000)).toBe(true);
    expect(Number.isNaN(decodeOne(encodeOne(Number.NaN)))).toBe(true);
  });

  it('reads views at an offset and takes nothing', () => {
    const data = Float32Array.of(9, 1, -2, 9).subarray(1, 3);
    expect([...decode(encode(data))]).toEqual([1, -2]);
    expect(encode(new Float32Array(0))).toHaveLength(0);
    expect(decode(new Uint16Array(0))).toHaveLength(0);
  });
});

it.each([
  ['float16', float32ToFloat16, 65519.99, 0x7bff],
  ['float16', float32ToFloat16, 65520, 0x7c00],
  ['float16', float32ToFloat16, -1e30, 0xfc00],
  ['float16', float32ToFloat16, 2 ** -24, 1],
  ['float16', float32ToFloat16, 2 ** -25, 0],
  ['float16', float32ToFloat16, -(2 ** -25), 0x8000],
  ['float16', float32ToFloat16, 2 ** -25 * (1 + 2 ** -23), 1],
  ['bfloat16', float32ToBfloat16, 3.4028234663852886e38, 0x7f80],
  ['bfloat16', float32ToBfloat16, 2 ** -149, 0],
  ['bfloat16', float32ToBfloat16, 1 + 2 ** -8, 0x3f80],
  ['bfloat16', float32ToBfloat16, 1 + 3 * 2 ** -8, 0x3f82],
])('%s of an edge (%#)', (_, encodeOne, value, bits) => {
  expect(encodeOne(value)).toBe(bits);
});
