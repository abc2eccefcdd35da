/** Reading any tensor's elements as numbers. */
import { OctavoError } from './errors.js';
import { decodeBfloat16, decodeFloat16 } from './half.js';
import type { Tensor } from './tensor.js';

/** Elements as float32, converted where need be; throws `UNSUPPORTED_TYPE` for packed types. */
export function toFloat32(tensor: Tensor, where: string): Float32Array {
  const { type, data } = tensor;
  if (data instanceof Float32Array) return data;
  switch (type) {
    case 'float16':
      return decodeFloat16(data as Uint16Array);
    case 'bfloat16':
      return decodeBfloat16(data as Uint16Array);
    case 'int4':
    case 'uint4':
    case 'int2':
    case 'uint2':
    case 'int1':
      throw new OctavoError('UNSUPPORTED_TYPE', 'elements have no number form', {
        where,
        found: type,
      });
    default:
      return Float32Array.from(data as Iterable<number | bigint>, Number);
  }
}
