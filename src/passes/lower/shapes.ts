/** Permutations and reshapes, of dims and of constants. Axis i of a result is axis perm[i]. */
import { allocate, bitsOf, type TypedArray } from '../../core/dtype.js';
import { invariant } from '../../core/errors.js';
import { elementCount, stridesOf } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import type { Dim } from '../../graph/ir.js';

export const toChannelsLast = [0, 2, 3, 1] as const;
export const toChannelsFirst = [0, 3, 1, 2] as const;

export function isIdentity(perm: readonly number[]): boolean {
  return perm.every((axis, i) => axis === i);
}

export function permuteDims<D extends Dim>(dims: readonly D[], perm: readonly number[]): D[] {
  return perm.map((axis) => dims[axis]!);
}

/** The permutation that undoes `perm`. */
export function inverseOf(perm: readonly number[]): number[] {
  const inverse = new Array<number>(perm.length);
  perm.forEach((axis, i) => {
    inverse[axis] = i;
  });
  return inverse;
}

/** One permutation that does `first`, then `second`. */
export function composed(first: readonly number[], second: readonly number[]): number[] {
  return second.map((axis) => first[axis]!);
}

/** Whether only axes of size 1 change places, so that no element moves. */
export function keepsOrder(dims: readonly unknown[], perm: readonly number[]): boolean {
  const moved = perm.filter((axis) => dims[axis] !== 1);
  return moved.every((axis, i) => i === 0 || moved[i - 1]! < axis);
}

/** Moves the elements of a constant of a whole-byte type. The data are the same where none has to. */
export function permuteTensor(tensor: Tensor, perm: readonly number[]): Tensor {
  const { type, dims, data } = tensor;
  invariant(bitsOf(type) >= 8, `a transposed constant of ${type}`);
  const moved = permuteDims(dims, perm);
  if (keepsOrder(dims, perm)) return { type, dims: moved, data } as Tensor;
  const count = elementCount(dims);
  const result = allocate(type, count);
  const strides = permuteDims(stridesOf(dims), perm);
  // All axes but the last are counted up like an odometer; along the last, one loop.
  const length = moved.at(-1) ?? 1;
  const step = strides.at(-1) ?? 1;
  const position = new Array<number>(moved.length).fill(0);
  for (let to = 0, from = 0; to < count; to += length) {
    copyRow(result, to, data, from, length, step);
    for (let axis = moved.length - 2; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++position[axis]! < moved[axis]!) break;
      from -= moved[axis]! * strides[axis]!;
      position[axis] = 0;
    }
  }
  return { type, dims: moved, data: result } as Tensor;
}

function copyRow(
  target: TypedArray,
  to: number,
  source: TypedArray,
  from: number,
  length: number,
  step: number,
): void {
  if (step === 1)
    (target as Uint8Array).set(source.subarray(from, from + length) as Uint8Array, to);
  else for (let i = 0; i < length; i++, from += step) target[to + i] = source[from]!;
}

/**
 * The target that makes dims `from` into `to`, in ONNX's way: 0 copies the dim at the same place, one
 * −1 is what is left. Undefined when free dims keep it from being said.
 */
export function reshapeTarget(
  from: readonly Dim[],
  to: readonly Dim[],
): readonly number[] | undefined {
  let open = 0;
  const target = to.map((dim, i) => {
    if (dim === 0 && from[i] !== 0) open = 2; // a true 0 that cannot be copied
    if (typeof dim === 'number') return dim;
    if (dim !== undefined && dim === from[i]) return 0;
    open++;
    return -1;
  });
  return open <= 1 ? target : undefined;
}
