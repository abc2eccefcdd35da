import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../../src/core/dtype.js';
import {
  integerRange,
  isPackedType,
  type PackedType,
  pack,
  unpack,
} from '../../src/numerics/index.js';

const seed = 0x0c7e;
const failsWith = (code: string) => expect.objectContaining({ name: 'OctavoError', code });
const types: PackedType[] = ['int4', 'uint4', 'int2', 'uint2', 'int1'];

function valuesOf(type: PackedType): number[] {
  if (type === 'int1') return [-1, 1];
  const { min, max } = integerRange(type);
  return Array.from({ length: max - min + 1 }, (_, i) => min + i);
}

describe.each(types)('%s', (type) => {
  const Container = type.startsWith('u') ? Uint8Array : Int8Array;

  it('brings any number of values back, lowest bits first, padded with zero bits', () => {
    const values = fc.array(fc.constantFrom(...valuesOf(type)), { maxLength: 33 });
    fc.assert(
      fc.property(values, (list) => {
        const packed = pack(Container.from(list), type);
        const bits = bitsOf(type);
        // One big integer, value i at bit i · bits.
        let all = 0n;
        list.forEach((value, i) => {
          const code = type === 'int1' ? BigInt(value > 0) : BigInt.asUintN(bits, BigInt(value));
          all |= code << BigInt(i * bits);
        });
        const expected = Array.from({ length: Math.ceil((list.length * bits) / 8) }, (_, i) =>
          Number((all >> BigInt(8 * i)) & 255n),
        );
        expect([...packed]).toEqual(expected);
        expect(unpack(packed, list.length, type)).toEqual(Container.from(list));
      }),
      { seed, numRuns: 500 },
    );
  });

  it('unpacks all 256 bytes', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const values = unpack(bytes, (256 * 8) / bitsOf(type), type);
    expect(new Set(values)).toEqual(new Set(valuesOf(type)));
    expect(pack(values, type)).toEqual(bytes);
  });

  it('refuses values that do not fit', () => {
    const { min, max } = integerRange(type);
    for (const value of [min - 1, max + 1, ...(type === 'int1' ? [0] : [])]) {
      if (type.startsWith('u') && value < 0) continue;
      expect(() => pack(Container.of(max, value), type)).toThrow(failsWith('INVALID_ARGUMENT'));
    }
  });

  it('refuses the wrong number of bytes', () => {
    for (const count of [0, 17, 1000, -1, 0.5, Number.NaN, 2 ** 60]) {
      expect(() => unpack(new Uint8Array(1), count, type)).toThrow(failsWith('INVALID_TENSOR'));
    }
  });
});

it('puts the first value into the lowest bits', () => {
  expect([...pack(Int8Array.of(1, -2, 7), 'int4')]).toEqual([0xe1, 0x07]);
  expect([...pack(Uint8Array.of(1, 14, 7), 'uint4')]).toEqual([0xe1, 0x07]);
  expect([...pack(Int8Array.of(1, -2, -1, 0, 1), 'int2')]).toEqual([0b00_11_10_01, 0b01]);
  expect([...pack(Uint8Array.of(1, 2, 3, 0, 1), 'uint2')]).toEqual([0b00_11_10_01, 0b01]);
  expect([...pack(Int8Array.of(1, -1, 1, 1, -1, 1, -1, -1, 1), 'int1')]).toEqual([0b00101101, 1]);
});

it('knows no other types', () => {
  expect(isPackedType('int8')).toBe(false);
  expect(() => pack(new Int8Array(1), 'int8' as never)).toThrow(failsWith('UNSUPPORTED_TYPE'));
  expect(() => unpack(new Uint8Array(1), 1, 'length' as never)).toThrow(
    failsWith('UNSUPPORTED_TYPE'),
  );
});
