/** Small constants that take the place of attributes when operators are upgraded. */
import type { DataType } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { encodeBfloat16, encodeFloat16 } from '../core/half.js';
import type { Tensor } from '../core/tensor.js';

const least = -(2n ** 63n);
const most = 2n ** 63n - 1n;

/** An int64 tensor; numbers beyond its range saturate, as attributes hold 2^63 − 1 rounded up. */
export function int64Tensor(values: readonly number[], dims = [values.length]): Tensor<'int64'> {
  const data = BigInt64Array.from(values, (value) => {
    const exact = BigInt(value);
    return exact < least ? least : exact > most ? most : exact;
  });
  return { type: 'int64', dims, data };
}

/** A tensor of any floating-point type. Throws `UNSUPPORTED_TYPE` naming `where` for the others. */
export function floatTensor(
  type: DataType,
  values: readonly number[],
  dims = [values.length],
  where?: string,
): Tensor {
  const data = new Float32Array(values);
  if (type === 'float32') return { type, dims, data };
  if (type === 'float64') return { type, dims, data: new Float64Array(values) };
  if (type === 'float16') return { type, dims, data: encodeFloat16(data) };
  if (type === 'bfloat16') return { type, dims, data: encodeBfloat16(data) };
  throw new OctavoError('UNSUPPORTED_TYPE', `${type} is no floating-point type`, { where });
}
