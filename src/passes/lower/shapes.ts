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
  const result = allocate(type, elementCount(dims));
  move(bitsAsNumbers(data), bitsAsNumbers(result), joinAxes(dims, perm));
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

/** Moves elements from where they lie to where they will. */
function move(bits: Bits, to: Bits, { dims, perm }: Move): void {
  const moved = permuteDims(dims, perm);
  const strides = permuteDims(stridesOf(dims), perm);
  const steps = stridesOf(moved);
  // The axis along which elements lie together before, and the one along which they will.
  const together = perm.indexOf(dims.length - 1);
  const last = moved.length - 1;
  const outer = moved.map((_, axis) => axis).filter((axis) => axis !== together && axis !== last);
  const block = {
    ...{ rows: together === last ? 1 : moved[together]!, columns: moved[last]! },
    ...{ rowStep: steps[together]!, columnStep: strides[last]! },
  };
  const inQuads = isInQuads(bits, block);
  const turn = inQuads ? turnQuads : turnBlock;
  // Bytes of a file lie anywhere: to copy them is nothing beside moving them one by one.
  const from = inQuads && bits.byteOffset % 4 !== 0 ? bits.slice() : bits;
  const visit = (depth: number, source: number, target: number): void => {
    const axis = outer[depth];
    if (axis === undefined) {
      turn(from, source, to, target, block);
      return;
    }
    for (let i = 0; i < moved[axis]!; i++) {
      visit(depth + 1, source + i * strides[axis]!, target + i * steps[axis]!);
    }
  };
  visit(0, 0, 0);
}

type Bits = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/** The same memory as unsigned numbers of the same width: fewer kinds of arrays, which engines make good code for. */
function bitsAsNumbers({ buffer, byteOffset, length, BYTES_PER_ELEMENT }: TypedArray): Bits {
  if (BYTES_PER_ELEMENT === 1) return new Uint8Array(buffer, byteOffset, length);
  if (BYTES_PER_ELEMENT === 2) return new Uint16Array(buffer, byteOffset, length);
  if (BYTES_PER_ELEMENT === 4) return new Uint32Array(buffer, byteOffset, length);
  return new BigUint64Array(buffer, byteOffset, length);
}

/** Rows whose first elements lie together, and will lie `rowStep` apart; of columns that lie `columnStep` apart. */
type Block = Record<'rows' | 'columns' | 'rowStep' | 'columnStep', number>;

/** Rows that are turned at a time, as caches like it. */
const mostRows = 32;

function turnBlock(
  from: Bits,
  source: number,
  to: Bits,
  target: number,
  { rows, columns, rowStep, columnStep }: Block,
): void {
  for (let first = 0; first < rows; first += mostRows) {
    const end = Math.min(first + mostRows, rows);
    for (let column = 0; column < columns; column++) {
      const base = source + column * columnStep;
      for (
        let row = first, at = target + first * rowStep + column;
        row < end;
        row++, at += rowStep
      ) {
        to[at] = from[base + row]!;
      }
    }
  }
}

/** Whether elements are bytes, of which four and four lie where a word may if the first does. */
function isInQuads(from: Bits, block: Block): boolean {
  return from.BYTES_PER_ELEMENT === 1 && Object.values(block).every((number) => number % 4 === 0);
}

/**
 * The same for bytes, in squares of four by four, whose sides are words: signed ones, since an engine that has not optimized this
 * yet keeps larger numbers on the heap.
 */
function turnQuads(
  from: Bits,
  source: number,
  to: Bits,
  target: number,
  { rows, columns, rowStep, columnStep }: Block,
): void {
  const x = new Int32Array(from.buffer, from.byteOffset, from.length >>> 2);
  const y = new Int32Array(to.buffer, to.byteOffset, to.length >>> 2);
  const [across, down] = [columnStep >>> 2, rowStep >>> 2];
  for (let first = 0; first < rows; first += mostRows) {
    const end = Math.min(first + mostRows, rows);
    for (let column = 0; column < columns; column += 4) {
      let at = (source + column * columnStep + first) >>> 2;
      let out = (target + first * rowStep + column) >>> 2;
      for (let row = first; row < end; row += 4, at++, out += rowStep) {
        const a = x[at]!;
        const b = x[at + across]!;
        const c = x[at + 2 * across]!;
        const d = x[at + 3 * across]!;
        y[out] = (a & 255) | ((b & 255) << 8) | ((c & 255) << 16) | (d << 24);
        y[out + down] =
          ((a >>> 8) & 255) | (b & 0xff00) | ((c & 0xff00) << 8) | ((d & 0xff00) << 16);
        y[out + 2 * down] =
          ((a >>> 16) & 255) | ((b >>> 8) & 0xff00) | (c & 0xff0000) | ((d & 0xff0000) << 8);
        y[out + 3 * down] =
          (a >>> 24) | ((b >>> 16) & 0xff00) | ((c >>> 8) & 0xff0000) | (d & ~0xffffff);
      }
    }
  }
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
