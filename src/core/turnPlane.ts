/** Planes of elements, turned: their rows become columns. */
import type { TypedArray } from './dtype.js';

export type Bits = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/** The same memory as unsigned numbers of the same width: fewer kinds of arrays, which engines make good code for. */
export function unsignedBits({ buffer, byteOffset, length, BYTES_PER_ELEMENT }: TypedArray): Bits {
  if (BYTES_PER_ELEMENT === 1) return new Uint8Array(buffer, byteOffset, length);
  if (BYTES_PER_ELEMENT === 2) return new Uint16Array(buffer, byteOffset, length);
  if (BYTES_PER_ELEMENT === 4) return new Uint32Array(buffer, byteOffset, length);
  return new BigUint64Array(buffer, byteOffset, length);
}

/** Rows whose first elements lie together, and will lie `rowStep` apart; of columns that lie `columnStep` apart. */
export type Plane = Record<'rows' | 'columns' | 'rowStep' | 'columnStep', number>;

/** Turns planes: `source` and `target` tell where the first element lies, and where it will. */
export function planeTurner(
  from: Bits,
  to: Bits,
  plane: Plane,
): (source: number, target: number) => void {
  if (!isInQuads(from, plane)) {
    return (source, target) => turnElements(from, source, to, target, plane);
  }
  // Bytes of a file lie anywhere: to copy them is nothing beside moving them one by one.
  const even = from.byteOffset % 4 === 0 ? from : from.slice();
  return (source, target) => turnQuads(even, source, to, target, plane);
}

/** Rows that are turned at a time, as caches like it. */
const mostRows = 32;

function turnElements(
  from: Bits,
  source: number,
  to: Bits,
  target: number,
  { rows, columns, rowStep, columnStep }: Plane,
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
function isInQuads(from: Bits, plane: Plane): boolean {
  return from.BYTES_PER_ELEMENT === 1 && Object.values(plane).every((number) => number % 4 === 0);
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
  { rows, columns, rowStep, columnStep }: Plane,
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
