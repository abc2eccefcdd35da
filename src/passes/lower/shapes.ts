/** Permutations and reshapes, of dims and of constants. Axis i of a result is axis perm[i]. */
import { allocate, bitsOf, type DataType, type TypedArray } from '../../core/dtype.js';
import { invariant } from '../../core/errors.js';
import { elementCount, stridesOf } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import { Turned, turnedTensor } from '../../core/turned.js';
import { type Bits, planeTurner, unsignedBits } from '../../core/turnPlane.js';
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

/**
 * Moves the elements of a constant of a whole-byte type. The data are the same where none has to, and where two axes change
 * places they are moved when they are read.
 */
export function permuteTensor(tensor: Tensor, perm: readonly number[]): Tensor {
  const { type, dims, data } = tensor;
  invariant(bitsOf(type) >= 8, `a transposed constant of ${type}`);
  const moved = permuteDims(dims, perm);
  if (keepsOrder(dims, perm)) return { type, dims: moved, data } as Tensor;
  const joined = joinAxes(dims, perm);
  const turned = turnedBy(type, data, joined);
  if (turned !== undefined) return turnedTensor(turned, moved);
  const result = allocate(type, elementCount(dims));
  move(unsignedBits(data), unsignedBits(result), joined);
  return { type, dims: moved, data: result } as Tensor;
}

/** Axes and what becomes of them. */
interface Move {
  readonly dims: readonly number[];
  readonly perm: readonly number[];
}

/** The same move of fewer axes: neighbours that stay neighbours are one, and those of size 1 none. */
function joinAxes(dims: readonly number[], perm: readonly number[]): Move {
  const runs: { first: number; last: number; size: number }[] = [];
  for (const axis of perm) {
    if (dims[axis] === 1) continue;
    const run = runs.at(-1);
    const between = run && dims.slice(run.last + 1, axis);
    if (run !== undefined && axis > run.last && between!.every((dim) => dim === 1)) {
      run.last = axis;
      run.size *= dims[axis]!;
    } else {
      runs.push({ first: axis, last: axis, size: dims[axis]! });
    }
  }
  const before = [...runs].sort((a, b) => a.first - b.first);
  return { dims: before.map(({ size }) => size), perm: runs.map((run) => before.indexOf(run)) };
}

/** The move as one of two axes that change places, behind one that stays; undefined where it is another. */
function turnedBy(type: DataType, data: TypedArray, { dims, perm }: Move): Turned | undefined {
  const [rows, columns] = dims.slice(-2) as [number, number];
  if (perm.length > 3 || perm.at(-1) !== dims.length - 2 || perm.at(-2) !== dims.length - 1) {
    return undefined;
  }
  return new Turned(type, data, { batches: dims.length === 3 ? dims[0]! : 1, rows, columns });
}

/** Moves elements from where they lie to where they will. */
function move(bits: Bits, to: Bits, { dims, perm }: Move): void {
  const moved = permuteDims(dims, perm);
  const strides = permuteDims(stridesOf(dims), perm);
  const steps = stridesOf(moved);
  // The axis along which elements lie together before, and the one along which they will.
  const together = perm.indexOf(dims.length - 1);
  const last = moved.length - 1;
  const outer = moved.map((_, axis) => axis).filter((axis) => axis !== together && axis !== last);
  const turn = planeTurner(bits, to, {
    ...{ rows: together === last ? 1 : moved[together]!, columns: moved[last]! },
    ...{ rowStep: steps[together]!, columnStep: strides[last]! },
  });
  const visit = (depth: number, source: number, target: number): void => {
    const axis = outer[depth];
    if (axis === undefined) {
      turn(source, target);
      return;
    }
    for (let i = 0; i < moved[axis]!; i++) {
      visit(depth + 1, source + i * strides[axis]!, target + i * steps[axis]!);
    }
  };
  visit(0, 0, 0);
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
