/**
 * Cast between the types of whole bytes. Floats become integers by truncation towards zero, what is
 * out of range the nearest limit and NaN 0; integers become narrower ones by their low bits;
 * anything but 0 is true; floats are rounded half to even, the 16-bit ones by way of float32.
 */
import { bitsOf, type DataType, isInteger, isSigned } from '../../core/dtype.js';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../core/half.js';
import { type StepKernel, typeOf } from './kernel.js';

/** A value, and how the typed arrays of 64-bit integers have it. */
type Value = number | bigint;

export const cast: StepKernel<'Cast'> = ({ inputs, outputs }, memory) => {
  const x = memory.view(inputs[0]!);
  const y = memory.view(outputs[0]!) as { [index: number]: Value; readonly length: number };
  const from = typeOf(memory, inputs[0]);
  const to = typeOf(memory, outputs[0]);
  const read = readerOf(from);
  const write = isInteger(to) ? integerWriterOf(from, to) : floatWriterOf(to);
  for (let i = 0; i < y.length; i++) y[i] = write(read(x[i]!));
};

function readerOf(type: DataType): (stored: Value) => Value {
  if (type === 'float16') return (stored) => float16ToFloat32(Number(stored));
  if (type === 'bfloat16') return (stored) => bfloat16ToFloat32(Number(stored));
  if (type === 'bool') return (stored) => (stored === 0 ? 0 : 1);
  return (stored) => stored;
}

function floatWriterOf(type: DataType): (value: Value) => number {
  if (type === 'bool') return (value) => (Number(value) === 0 ? 0 : 1);
  if (type === 'float64') return Number;
  if (type === 'float16') return (value) => float32ToFloat16(nearestFloat32(value));
  if (type === 'bfloat16') return (value) => float32ToBfloat16(nearestFloat32(value));
  return nearestFloat32;
}

/** Storing takes the low bits, so only floats need limits. */
function integerWriterOf(from: DataType, to: DataType): (value: Value) => Value {
  const bits = bitsOf(to);
  const narrow = bits === 64 ? BigInt : (value: Value) => Number(BigInt.asIntN(32, BigInt(value)));
  if (isInteger(from) || from === 'bool') return narrow;
  const min = isSigned(to) ? -(2n ** BigInt(bits - 1)) : 0n;
  const max = min + 2n ** BigInt(bits) - 1n;
  return (value) => {
    const number = Number(value);
    if (Number.isNaN(number)) return narrow(0);
    if (number <= Number(min)) return narrow(min);
    if (number >= Number(max)) return narrow(max);
    return narrow(Math.trunc(number));
  };
}

/**
 * A bigint beyond 2^53 would be rounded to a double first; joining its low bits to one that float32
 * cannot hold keeps what the second rounding has to know.
 */
function nearestFloat32(value: Value): number {
  if (typeof value === 'number') return Math.fround(value);
  const exact = BigInt.asIntN(54, value) === value;
  const low = value & 0xffffn;
  return Math.fround(Number(exact || low === 0n ? value : (value - low) | 0x10000n));
}
