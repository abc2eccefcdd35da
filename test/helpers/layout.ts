/** Tensors turned between Octavo's channels-last steps and ONNX's channels-first operators. */
import type { TypedArray } from '../../src/core/dtype.js';

/** `data` of `dims` with axis i of the result being axis perm[i]. */
export function permute<A extends TypedArray>(
  data: A,
  dims: readonly number[],
  perm: readonly number[],
): A {
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((a, b) => a * b, 1));
  const to = perm.map((axis) => dims[axis]!);
  return data.map(((_: unknown, index: number) => {
    let rest = index;
    let offset = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      offset += (rest % to[axis]!) * strides[perm[axis]!]!;
      rest = Math.floor(rest / to[axis]!);
    }
    return data[offset]!;
  }) as never) as A;
}

/** From [N, H, W, C] to [N, C, H, W], of data or of dims. */
export const toChannelsFirst = [0, 3, 1, 2];

/** And back. */
export const toChannelsLast = [0, 2, 3, 1];

/** `data` of `dims` repeated to the shape `to`, by the rules of NumPy. */
export function broadcastTo<A extends TypedArray>(
  data: A,
  dims: readonly number[],
  to: readonly number[],
): A {
  const padded = [...new Array<number>(to.length - dims.length).fill(1), ...dims];
  const out = new (data.constructor as new (length: number) => A)(to.reduce((a, b) => a * b, 1));
  for (let index = 0; index < out.length; index++) {
    let rest = index;
    let offset = 0;
    let stride = 1;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      if (padded[axis] !== 1) offset += (rest % to[axis]!) * stride;
      stride *= padded[axis]!;
      rest = Math.floor(rest / to[axis]!);
    }
    out[index] = data[offset]!;
  }
  return out;
}
