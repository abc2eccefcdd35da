/** Numbers from files as elements of the type that a model's input has: converted only where nothing is lost. */
import { allocate, bitsOf, type DataType, type TypedArray } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { decodeFloat16, encodeFloat16 } from '../../core/half.js';
import type { Tensor } from '../../core/tensor.js';

/**
 * `values` as the storage of `type`. Floats are rounded; an integer type takes whole numbers within its
 * range only, and bool takes 0 and 1. Throws `INVALID_INPUT` naming the first that does not fit, and
 * `UNSUPPORTED_TYPE` for types that files do not carry.
 */
export function elementsOf(
  values: ArrayLike<number | bigint>,
  type: DataType,
  where: string,
): TypedArray {
  if (bitsOf(type) < 8 || type === 'bfloat16') {
    throw new OctavoError('UNSUPPORTED_TYPE', 'inputs of this type cannot be read from a file', {
      where,
      found: type,
    });
  }
  if (type === 'float32') return Float32Array.from(values, Number);
  if (type === 'float64') return Float64Array.from(values, Number);
  if (type === 'float16') return encodeFloat16(Float32Array.from(values, Number));
  const elements = allocate(type, values.length) as unknown as (number | bigint)[];
  const isBig = type === 'int64' || type === 'uint64';
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
    if (isWhole) elements[i] = isBig ? BigInt(value) : Number(value);
    // Storing wraps round what is out of range: what comes back tells.
    const fits = isWhole && Number(elements[i]) === Number(value);
    if (!fits || (type === 'bool' && Number(value) > 1)) {
      throw new OctavoError('INVALID_INPUT', `element ${i} does not fit the type of the input`, {
        where,
        expected: type,
        found: String(value),
      });
    }
  }
  return elements as unknown as TypedArray;
}

/** A tensor's elements as those of another type; see `elementsOf`. */
export function convert({ type, data }: Tensor, to: DataType, where: string): TypedArray {
  if (type === to) return data;
  return elementsOf(type === 'float16' ? decodeFloat16(data as Uint16Array) : data, to, where);
}
