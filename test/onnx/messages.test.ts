/** The codec: what is written is read again, and nothing malformed gets further than an error. */
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../../src/core/limits.js';
import { decode } from '../../src/onnx/decode.js';
import { encode } from '../../src/onnx/encode.js';
import { decodeModel, encodeModel, type ModelProto } from '../../src/onnx/messages.js';
import * as s from '../../src/onnx/schema.js';

interface Sample extends s.Message {
  i?: number;
  is?: number[];
  f?: number;
  fs?: number[];
  s?: string;
  ss?: string[];
  b?: Uint8Array;
  child?: Sample;
  children?: Sample[];
  f32?: Float32Array;
  f64?: Float64Array;
  i32?: Int32Array;
  i64?: BigInt64Array;
  u64?: BigUint64Array;
}

const sample: s.Schema<Sample> = s.schema<Sample>({
  i: s.int(1),
  is: s.numbers(2, 'ints'),
  f: s.float(3),
  fs: s.numbers(4, 'floats'),
  s: s.text(5),
  ss: s.texts(6),
  b: s.bytes(7),
  child: s.message(8, () => sample),
  children: s.messages(9, () => sample),
  f32: s.numbers(10, 'float32'),
  f64: s.numbers(11, 'float64'),
  i32: s.numbers(12, 'int32'),
  i64: s.numbers(13, 'int64'),
  u64: s.numbers(1000, 'uint64'),
});

const read = (bytes: readonly number[] | Uint8Array, limits = {}): Sample =>
  decode(sample, Uint8Array.from(bytes), { ...defaultLimits, ...limits }, 'sample');

const full: Sample = {
  i: -5,
  is: [0, 1, 127, 128, -1, 2 ** 31, 2 ** 53, -(2 ** 63)],
  f: Math.fround(0.1),
  fs: [1.5, Number.NaN, Number.NEGATIVE_INFINITY],
  s: 'Größe ✓ \u{1f600} __proto__',
  ss: ['', 'constructor', '\ufeffbom'],
  b: Uint8Array.of(0, 255, 3),
  child: { i: 2 ** 31, child: { s: 'deep' } },
  children: [{}, { i: 0 }],
  f32: Float32Array.of(1, -0, 3.4e38),
  f64: Float64Array.of(Math.PI, Number.MIN_VALUE),
  i32: Int32Array.of(-(2 ** 31), -1, 0, 2 ** 31 - 1),
  i64: BigInt64Array.of(-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n),
  u64: BigUint64Array.of(0n, 2n ** 64n - 1n),
};

describe('round trip', () => {
  test('every kind of field', () => {
    expect(read(encode(sample, full))).toEqual(full);
  });

  test('an empty message', () => {
    expect(encode(sample, {})).toHaveLength(0);
    expect(read([])).toEqual({});
  });

  test('the same bytes whatever the order of the keys', () => {
    const reversed = Object.fromEntries(Object.entries(full).reverse()) as Sample;
    expect(encode(sample, reversed)).toEqual(encode(sample, full));
  });

  test('a number that int64 cannot hold saturates', () => {
    const [most, least] = read(encode(sample, { is: [2 ** 64, -(2 ** 64)] })).is!;
    expect(most).toBe(2 ** 63);
    expect(least).toBe(-(2 ** 63));
    expect(read(encode(sample, { is: [2 ** 63] })).is).toEqual([Number(2n ** 63n - 1n)]);
  });

  test('bytes are views of the input', () => {
    const bytes = encode(sample, { b: Uint8Array.of(1, 2, 3) });
    const { b } = decode(sample, bytes, defaultLimits, 'sample');
    expect(b!.buffer).toBe(bytes.buffer);
  });

  test('unknown fields are kept, in nested messages too', () => {
    interface Small extends s.Message {
      child?: Small;
    }
    const small: s.Schema<Small> = s.schema<Small>({ child: s.message(8, () => small) });
    const bytes = encode(sample, {
      ...full,
      children: [],
      child: { i: 7, f: 1, s: 'x', f64: full.f64! },
    });
    const again = encode(small, decode(small, bytes, defaultLimits, 'small'));
    expect(read(again)).toEqual(read(bytes));
    expect(again).toHaveLength(bytes.length);
  });
});

describe('what other writers write', () => {
  test('numbers one by one, packed, or both', () => {
    expect(read([0x10, 1, 0x12, 2, 2, 3, 0x10, 4])).toEqual({ is: [1, 2, 3, 4] });
    expect(read([0x55, 0, 0, 0x80, 0x3f, 0x55, 0, 0, 0, 0x40])).toEqual({
      f32: Float32Array.of(1, 2),
    });
  });

  test('the last of a repeated single number counts', () => {
    expect(read([0x08, 1, 0x08, 2])).toEqual({ i: 2 });
  });

  test('varints longer than they need be', () => {
    expect(read([0x08, 0x81, 0x80, 0x00])).toEqual({ i: 1 });
  });
});

describe('malformed input', () => {
  const cases: readonly (readonly [string, readonly number[], RegExp])[] = [
    ['field number 0', [0x00, 0x01], /field number/],
    ['a tag beyond 32 bits', [0x88, 0x80, 0x80, 0x80, 0x80, 0x01, 0x01], /field number/],
    ['a varint of eleven bytes', [0x08, ...new Array(10).fill(0x80), 0x01], /ten bytes/],
    ['a varint that is cut off', [0x08, 0x80], /sample: i: .*cut off/],
    ['text that is cut off', [0x2a, 5, 0x61], /sample: s: .*cut off.* 5 bytes, found 1/],
    ['a length of 2^63', [0x2a, ...new Array(9).fill(0xff), 0x01], /cut off/],
    ['a child longer than its parent', [0x42, 2, 0x2a, 5, 0, 0, 0, 0, 0], /child\.s: .*cut off/],
    ['a float that is cut off', [0x1d, 0, 0, 0], /sample: f: .*cut off/],
    ['packed floats that do not divide', [0x52, 5, 0, 0, 0, 0, 0], /f32: .*cut off/],
    ['packed varints that end within one', [0x12, 2, 1, 0x80], /is: .*cut off|wrong/],
    ['text that is not UTF-8', [0x2a, 2, 0xc3, 0x28], /sample: s: .*UTF-8/],
    ['a group', [0x0b, 0x0c], /group|wire type/],
    ['an unknown group', [0xfb, 0x01, 0xfc, 0x01], /group/],
    ['wire type 7', [0xff, 0x01], /group, or not/],
    ['a wrong wire type', [0x0a, 0], /sample: i: .*wire type/],
    ['a number as a list element of text', [0x30, 0], /ss\[0\]: .*wire type/],
    ['a child twice', [0x42, 0, 0x42, 0], /child: .*twice/],
    ['the second of two children', [0x4a, 0, 0x4a, 1, 0x08], /children\[1\]\.i: .*cut off/],
  ];
  test.each(cases)('%s', (_, bytes, message) => {
    expect(() => read(bytes)).toThrow(
      expect.objectContaining({
        name: 'OctavoError',
        code: 'INVALID_MODEL',
        message: expect.stringMatching(message),
      }),
    );
  });

  test('every truncation is an error or a shorter message', () => {
    const bytes = encode(sample, full);
    for (let length = 0; length < bytes.length; length++) {
      try {
        read(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toMatchObject({ name: 'OctavoError', code: 'INVALID_MODEL' });
      }
    }
  });
});

describe('limits', () => {
  const limited = { name: 'OctavoError', code: 'LIMIT_EXCEEDED' };

  test('nesting, thousands deep, costs no stack', () => {
    let bytes = new Uint8Array();
    for (let depth = 0; depth < 5000; depth++) {
      const size: number[] = [];
      for (let rest = bytes.length; ; rest >>>= 7) {
        size.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
        if (rest <= 0x7f) break;
      }
      bytes = Uint8Array.from([0x42, ...size, ...bytes]);
    }
    expect(() => read(bytes)).toThrow(expect.objectContaining(limited));
  });

  test('exactly as deep as allowed', () => {
    const bytes = encode(sample, { child: { child: {} } });
    expect(read(bytes, { nesting: 3 })).toEqual({ child: { child: {} } });
    expect(() => read(bytes, { nesting: 2 })).toThrow(expect.objectContaining(limited));
  });

  test('unknown groups nested deeply', () => {
    const bytes = new Uint8Array(100_000).fill(0xfb);
    expect(() => read(bytes)).toThrow(expect.objectContaining({ code: 'INVALID_MODEL' }));
  });

  test('many tiny messages', () => {
    const bytes = new Uint8Array(2_000_000);
    for (let i = 0; i < bytes.length; i += 2) bytes[i] = 0x4a;
    expect(() => read(bytes, { nodes: 10_000 })).toThrow(expect.objectContaining(limited));
  });

  test('numbers that swell when read', () => {
    const bytes = Uint8Array.from([0x6a, 100, ...new Array(100).fill(1)]);
    expect(read(bytes).i64).toHaveLength(100);
    expect(() => read(bytes, { tensorBytes: 799 })).toThrow(expect.objectContaining(limited));
  });
});

test('a Buffer is read like any bytes', () => {
  const proto: ModelProto = {
    irVersion: 8,
    graph: { initializer: [{ rawData: Uint8Array.of(1) }] },
  };
  const read = decodeModel(Buffer.from(encodeModel(proto)), defaultLimits, 'model');
  expect(read).toEqual(proto);
  expect(Buffer.isBuffer(read.graph!.initializer![0]!.rawData)).toBe(false);
});
