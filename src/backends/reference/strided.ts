/** Walking tensors by strides: broadcasting, permuting and slicing are all a choice of strides. */
import { type Shape, stridesOf } from '../../core/shape.js';

/** Strides that walk a tensor of `dims` as if it had the shape `to`: 0 along broadcast axes. */
export function broadcastStrides(dims: Shape, to: Shape): number[] {
  const strides = stridesOf(dims);
  const missing = to.length - dims.length;
  return to.map((_, axis) => {
    const own = axis - missing;
    return own < 0 || dims[own] === 1 ? 0 : strides[own]!;
  });
}

/**
 * Visits the index space `dims` in row-major order, one innermost row at a time. `row` is given the
 * offset at which the row begins in each of two strided tensors; along the row the offsets grow by
 * the last stride. A scalar is a row of length 1.
 */
export function forEachRow(
  dims: Shape,
  aStrides: readonly number[],
  bStrides: readonly number[],
  row: (aOffset: number, bOffset: number, length: number) => void,
): void {
  const last = dims.length - 1;
  if (dims.includes(0)) return;
  const visit = (axis: number, aOffset: number, bOffset: number): void => {
    if (axis >= last) {
      row(aOffset, bOffset, dims[axis] ?? 1);
      return;
    }
    for (let i = 0; i < dims[axis]!; i++) {
      visit(axis + 1, aOffset + i * aStrides[axis]!, bOffset + i * bStrides[axis]!);
    }
  };
  visit(0, 0, 0);
}

/** Fills `y`, row-major of `dims`, with the elements that `strides` reach in `x` from `offset`. */
export function gather<E>(
  y: { [index: number]: E },
  x: { readonly [index: number]: E },
  dims: Shape,
  strides: readonly number[],
  offset = 0,
): void {
  const step = strides.at(-1) ?? 0;
  let at = 0;
  forEachRow(dims, strides, strides, (from, _, length) => {
    for (let i = 0; i < length; i++) y[at++] = x[offset + from + i * step]!;
  });
}
