/**
 * Codes of a weight as steps from other codes of it, those of its nearest values: whole numbers of the width of a code,
 * modulo 256 or 65536, whatever chose them. Most are 0 or ±1, so that they deflate to a few bits.
 */
import { OctavoError } from '../core/errors.js';
import { elementCount } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { integerRange, isPackedType, pack, type QuantizedType, unpack } from '../numerics/index.js';

/** One for each element. */
export type CodeSteps = Int8Array | Int16Array;

/** The type of a step between codes of a type. */
export function stepTypeOf(type: string): 'int8' | 'int16' {
  return type === 'int16' ? 'int16' : 'int8';
}

/** Both tensors are of one type and of the same dims. */
export function stepsBetween(from: Tensor, to: Tensor): CodeSteps {
  const [before, after] = [codesOf(from), codesOf(to)];
  const steps = new (stepTypeOf(from.type) === 'int16' ? Int16Array : Int8Array)(after.length);
  for (let i = 0; i < steps.length; i++) steps[i] = after[i]! - before[i]!;
  return steps;
}

/** The codes so many steps away. Throws `INVALID_RECIPE`, naming `where`, for codes that the type does not hold. */
export function movedBySteps(from: Tensor, steps: CodeSteps, where: string): Tensor {
  const codes = codesOf(from).map((code, i) => code + steps[i]!);
  const { type, dims } = from;
  const { min, max } = integerRange(type as QuantizedType);
  const wrong = codes.find((code) => code < min || code > max);
  if (wrong !== undefined) {
    const details = { where, expected: `${min} … ${max}`, found: String(wrong) };
    throw new OctavoError('INVALID_RECIPE', `no code of ${type}`, details);
  }
  return {
    type,
    dims,
    data: isPackedType(type) ? pack(codes as Int8Array, type) : codes,
  } as Tensor;
}

function codesOf({ type, dims, data }: Tensor): Int8Array | Uint8Array | Int16Array {
  return isPackedType(type)
    ? unpack(data as Uint8Array, elementCount(dims), type)
    : (data as Int8Array | Uint8Array | Int16Array);
}
