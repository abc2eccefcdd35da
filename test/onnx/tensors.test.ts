/** Tensors in every encoding a file may hold them in, and the ones that are refused. */
import { describe, expect, test } from 'vitest';
import { allocate } from '../../src/core/dtype.js';
import { defaultLimits } from '../../src/core/limits.js';
import type { ExternalData } from '../../src/onnx/externalData.js';
import type { TensorProto } from '../../src/onnx/messages.js';
import { readTensor, writeTensor } from '../../src/onnx/tensors.js';
import { t } from '../helpers/onnx-builder.js';

const noFiles: ExternalData = {
  read: () => {
    throw new Error('no external data here');
  },
  close: () => {},
};

const read = (proto: TensorProto, limits = {}) =>
  readTensor(proto, 'w', { limits: { ...defaultLimits, ...limits }, external: noFiles });

const codes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
  uint2: 25,
  int2: 26,
} as const;

test.each(Object.entries(codes))('%s as raw data, there and back', (name, code) => {
  const type = name as keyof typeof codes;
  const data = allocate(type, 5);
  new Uint8Array(data.buffer).fill(1);
  const tensor = { type, dims: [5], data };
  const proto = writeTensor('w', tensor);
  expect(proto.dataType).toBe(code);
  expect(read(proto)).toEqual(tensor);
});

describe('typed lists', () => {
  const cases: readonly (readonly [string, TensorProto, ArrayLike<number | bigint>])[] = [
    ['float32', { floatData: Float32Array.of(1, -2) }, Float32Array.of(1, -2)],
    ['float64', { doubleData: Float64Array.of(1, -2) }, Float64Array.of(1, -2)],
    ['int64', { int64Data: BigInt64Array.of(1n, -2n) }, BigInt64Array.of(1n, -2n)],
    [
      'uint64',
      { uint64Data: BigUint64Array.of(1n, 2n ** 64n - 1n) },
      BigUint64Array.of(1n, 2n ** 64n - 1n),
    ],
    [
      'uint32',
      { uint64Data: BigUint64Array.of(1n, 2n ** 32n - 1n) },
      Uint32Array.of(1, 2 ** 32 - 1),
    ],
    ['int32', { int32Data: Int32Array.of(1, -2) }, Int32Array.of(1, -2)],
    ['int16', { int32Data: Int32Array.of(32767, -32768) }, Int16Array.of(32767, -32768)],
    ['uint16', { int32Data: Int32Array.of(65535, 0) }, Uint16Array.of(65535, 0)],
    ['int8', { int32Data: Int32Array.of(127, -128) }, Int8Array.of(127, -128)],
    ['uint8', { int32Data: Int32Array.of(255, 0) }, Uint8Array.of(255, 0)],
    ['bool', { int32Data: Int32Array.of(1, 0) }, Uint8Array.of(1, 0)],
    ['float16', { int32Data: Int32Array.of(0x3c00, 0xc000) }, Uint16Array.of(0x3c00, 0xc000)],
    ['bfloat16', { int32Data: Int32Array.of(0x3f80, 0xc000) }, Uint16Array.of(0x3f80, 0xc000)],
  ];
  test.each(cases)('%s', (type, proto, data) => {
    const tensor = read({ ...proto, dims: [2], dataType: codes[type as 'float32'] });
    expect(tensor).toEqual({ type, dims: [2], data });
  });

  test('int4: one byte to an element of int32_data, signed or not', () => {
    for (const byte of [0xe1, 0xe1 - 256]) {
      const proto = { dims: [3], dataType: codes.int4, int32Data: Int32Array.of(byte, 0x07) };
      expect(read(proto).data).toEqual(Uint8Array.of(0xe1, 0x07));
    }
  });

  test('a scalar and an empty tensor', () => {
    expect(read({ dataType: 1, floatData: Float32Array.of(3) })).toEqual(t('float32', [3], []));
    expect(read({ dims: [0, 4], dataType: 1 })).toEqual(t('float32', [], [0, 4]));
    expect(read({ dims: [0], dataType: 1, rawData: new Uint8Array() }).data).toHaveLength(0);
  });
});

test('aligned raw data are shared, others copied', () => {
  const buffer = new ArrayBuffer(16);
  new Float32Array(buffer).set([1, 2, 3, 4]);
  const aligned = read({ dims: [2], dataType: 1, rawData: new Uint8Array(buffer, 4, 8) });
  expect(aligned.data).toEqual(Float32Array.of(2, 3));
  expect(aligned.data.buffer).toBe(buffer);
  const shifted = new Uint8Array(17);
  shifted.set(new Uint8Array(buffer), 1);
  const copied = read({ dims: [4], dataType: 1, rawData: shifted.subarray(1) });
  expect(copied.data).toEqual(Float32Array.of(1, 2, 3, 4));
  expect(copied.data.buffer).not.toBe(shifted.buffer);
});

describe('refused', () => {
  const float = (proto: TensorProto): TensorProto => ({ dataType: 1, dims: [2], ...proto });
  const cases: readonly (readonly [string, TensorProto, string, RegExp])[] = [
    ['no type', { dims: [0] }, 'INVALID_MODEL', /w: .*type is missing/],
    ['an unknown type', { dataType: 99 }, 'UNSUPPORTED_TYPE', /w: .*99/],
    ['a negative type', { dataType: -1 }, 'UNSUPPORTED_TYPE', /w: /],
    ['strings', { dataType: 8, stringData: [] }, 'UNSUPPORTED_TYPE', /w: .*string/],
    ['float8', { dataType: 17 }, 'UNSUPPORTED_TYPE', /w: .*float8e4m3fn/],
    ['complex', { dataType: 14 }, 'UNSUPPORTED_TYPE', /w: .*complex64/],
    ['no data', float({}), 'INVALID_TENSOR', /w: .*expected 8, found 0/],
    ['too little raw data', float({ rawData: new Uint8Array(7) }), 'INVALID_TENSOR', /8, found 7/],
    ['too much raw data', float({ rawData: new Uint8Array(9) }), 'INVALID_TENSOR', /8, found 9/],
    ['a short list', float({ floatData: Float32Array.of(1) }), 'INVALID_TENSOR', /2, found 1/],
    [
      'a list of another type',
      float({ int32Data: Int32Array.of(1, 2) }),
      'INVALID_MODEL',
      /float32/,
    ],
    [
      'data twice',
      float({ rawData: new Uint8Array(8), floatData: Float32Array.of(1, 2) }),
      'INVALID_MODEL',
      /twice/,
    ],
    ['a negative dim', { dataType: 1, dims: [-1] }, 'INVALID_TENSOR', /w: .*-1/],
    ['a dim beyond 2^53', { dataType: 1, dims: [2 ** 60] }, 'INVALID_TENSOR', /w: /],
    [
      'dims that multiply to 2^62',
      { dataType: 1, dims: [2 ** 31, 2 ** 31] },
      'LIMIT_EXCEEDED',
      /w: /,
    ],
    [
      'dims that wrap to 0 in 32 bits',
      { dataType: 1, dims: [2 ** 16, 2 ** 16] },
      'LIMIT_EXCEEDED',
      /w/,
    ],
    ['1 TB', { dataType: 1, dims: [2 ** 38] }, 'LIMIT_EXCEEDED', /w: .*tensorBytes/],
    ['rank 9', { dataType: 1, dims: new Array(9).fill(1) }, 'LIMIT_EXCEEDED', /rank/],
    [
      'an int8 of 128',
      { dataType: 3, dims: [1], int32Data: Int32Array.of(128) },
      'INVALID_TENSOR',
      /128/,
    ],
    [
      'a uint8 of -1',
      { dataType: 2, dims: [1], int32Data: Int32Array.of(-1) },
      'INVALID_TENSOR',
      /-1/,
    ],
    [
      'a bool of 2',
      { dataType: 9, dims: [1], rawData: Uint8Array.of(2) },
      'INVALID_TENSOR',
      /bool/,
    ],
    ['a segment', float({ segment: {}, rawData: new Uint8Array(8) }), 'INVALID_MODEL', /segment/],
  ];
  test.each(cases)('%s', (_, proto, code, message) => {
    expect(() => read(proto)).toThrow(
      expect.objectContaining({
        name: 'OctavoError',
        code,
        message: expect.stringMatching(message),
      }),
    );
  });

  test('limits can be lifted by name', () => {
    const proto: TensorProto = {
      dataType: 1,
      dims: new Array(9).fill(1),
      rawData: new Uint8Array(4),
    };
    expect(read(proto, { rank: 9 }).dims).toHaveLength(9);
  });

  test('int1, on the way out', () => {
    expect(() => writeTensor('w', { type: 'int1', dims: [8], data: Uint8Array.of(1) })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_TYPE' }),
    );
  });
});
