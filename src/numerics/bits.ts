/**
 * Integer arrays seen as bits. Loops that store or load any integer type go through these views,
 * because three kinds of array stay fast in V8's inner loops where six would not: storing keeps the
 * low bits, loading extends the sign with `(bits ^ sign) - sign`.
 */
import type { TypedArrayOf } from '../core/dtype.js';
import type { Range } from './params.js';

export type IntegerArray = TypedArrayOf['int8' | 'uint8' | 'int16' | 'uint16' | 'int32'];

export type Bits = Uint8Array | Uint16Array | Int32Array;

/** The elements of `data` as bits; memory is shared. */
export function asBits(data: IntegerArray): Bits {
  const { buffer, byteOffset, length } = data;
  if (data.BYTES_PER_ELEMENT === 1) return new Uint8Array(buffer, byteOffset, length);
  if (data.BYTES_PER_ELEMENT === 2) return new Uint16Array(buffer, byteOffset, length);
  return new Int32Array(buffer, byteOffset, length);
}

/**
 * The sign bit to extend after loading from `asBits(data)`: 0 where the view has the sign already.
 */
export function signBitOf(data: IntegerArray): number {
  if (data instanceof Int8Array) return 0x80;
  if (data instanceof Int16Array) return 0x8000;
  return 0;
}

/** Lowest and highest integer that `data` can hold. */
export function limitsOf(data: IntegerArray): Range {
  const signed = data instanceof Int32Array || signBitOf(data) !== 0;
  const bits = 8 * data.BYTES_PER_ELEMENT;
  return signed
    ? { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 }
    : { min: 0, max: 2 ** bits - 1 };
}
