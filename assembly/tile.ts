/**
 * Tiles: four rows of a matrix product side by side, in the order in which a register tile reads
 * them. A tile is [k][4 rows] in units of 32 bits: a float32, or two neighbouring integers as
 * int16. A unit beyond a row's end holds whatever follows the row; it meets weights of 0.
 */
import { gatherRow, isPointwise, overrun } from './gather';
import { Window } from './window';

/** Rows of a tile. */
export const tileRows: i32 = 4;

/**
 * What the tiles of a strip may take: they stay in the second-level cache while all panels pass.
 */
const stripBytes: usize = 256 << 10;

/** Bytes of a tile whose rows have `depth` elements of `size` bytes: 1 (widened to 2) or 4. */
// @ts-ignore: decorator
@inline
export function tileBytes(depth: usize, size: usize): usize {
  return size == 1 ? ((depth + 7) & ~7) * 8 : ((depth + 3) & ~3) * 16;
}

/** Rows of a strip, a multiple of a tile's. */
export function stripRows(depth: usize, size: usize, rows: i32): i32 {
  const fitting = <i32>min(stripBytes / max(tileBytes(depth, size), 1), 1 << 20);
  return min(max(fitting, 1), (rows + tileRows - 1) / tileRows) * tileRows;
}

/** Bytes of the four rows of a tile before they are put side by side. */
// @ts-ignore: decorator
@inline
function rowBytes(depth: usize, size: usize): usize {
  return (depth * size + overrun + 15) & ~15;
}

/** Scratch of a strip: its tiles, and the rows of one. */
export function stripScratch(depth: usize, size: usize, rows: i32): usize {
  const tiles = <usize>(stripRows(depth, size, rows) / tileRows);
  return tiles * tileBytes(depth, size) + 4 * rowBytes(depth, size);
}

/** Four vectors of 32-bit units, a row each, as four vectors of a unit of each row. */
// @ts-ignore: decorator
@inline
function storeTransposed(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const lowAB = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const highAB = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const lowCD = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const highCD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(lowAB, lowCD, 0, 2));
  v128.store(to, v128.shuffle<u64>(lowAB, lowCD, 1, 3), 16);
  v128.store(to, v128.shuffle<u64>(highAB, highCD, 0, 2), 32);
  v128.store(to, v128.shuffle<u64>(highAB, highCD, 1, 3), 48);
}

/** A tile of the uint8 rows a, b, c and d, less `zero`. */
function packBytes(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  depth: usize,
  zero: i32,
  to: usize,
): void {
  const zeros = i16x8.splat(<i16>zero);
  for (let k: usize = 0; k < depth; k += 8, to += 64) {
    storeTransposed(
      to,
      i16x8.sub(v128.load8x8_u(a + k), zeros),
      i16x8.sub(v128.load8x8_u(b + k), zeros),
      i16x8.sub(v128.load8x8_u(c + k), zeros),
      i16x8.sub(v128.load8x8_u(d + k), zeros),
    );
  }
}

/** A tile of the float32 rows a, b, c and d. */
function packFloats(a: usize, b: usize, c: usize, d: usize, depth: usize, to: usize): void {
  for (const end = a + 4 * depth; a < end; to += 64) {
    storeTransposed(to, v128.load(a), v128.load(b), v128.load(c), v128.load(d));
    a += 16;
    b += 16;
    c += 16;
    d += 16;
  }
}

/**
 * Tiles of the rows `first` … `first + rows − 1` of a convolution: row p holds what lies under the
 * window of output pixel p, in one group's channels. `x` is where those begin in the first cell.
 * The last tile repeats the last row. `zero` is what stands on padding: subtracted from uint8, 0
 * for float32.
 */
export function packStrip(
  window: Window,
  x: usize,
  first: i32,
  rows: i32,
  zero: i32,
  size: usize,
  tiles: usize,
  buffer: usize,
): void {
  const depth = <usize>(window.channels / window.groups);
  const taps = <usize>(window.kernelH * window.kernelW);
  const cell = <usize>window.channels * size;
  const length = taps * depth;
  const step = tileBytes(length, size);
  const rowStep = rowBytes(length, size);
  const pointwise = isPointwise(window);
  const plane = window.outHeight * window.outWidth;

  let n = first / plane;
  let oy = (first - n * plane) / window.outWidth;
  let ox = first - n * plane - oy * window.outWidth;
  let from: usize = 0;
  for (let row = 0; row < rows; tiles += step) {
    let a: usize = 0;
    let b: usize = 0;
    let c: usize = 0;
    let d: usize = 0;
    for (let i = 0; i < tileRows; i++) {
      if (row < rows) {
        if (pointwise) {
          const iy = oy * window.strideH;
          const ix = ox * window.strideW;
          from = x + ((<usize>n * window.height + iy) * window.width + ix) * cell;
        } else {
          from = buffer + <usize>i * rowStep;
          gatherRow(window, x, n, oy, ox, cell, depth * size, zero, from);
        }
        row++;
        if (++ox == window.outWidth) {
          ox = 0;
          if (++oy == window.outHeight) {
            oy = 0;
            n++;
          }
        }
      }
      if (i == 0) a = from;
      else if (i == 1) b = from;
      else if (i == 2) c = from;
      else d = from;
    }
    if (size == 1) packBytes(a, b, c, d, length, zero, tiles);
    else packFloats(a, b, c, d, length, tiles);
  }
}

/**
 * Tiles of the rows of a float32 matrix, whose element (row, k) lies at row · rowStride + k ·
 * kStride.
 */
export function packRows(
  a: usize,
  rowStride: usize,
  kStride: usize,
  depth: usize,
  rows: i32,
  tiles: usize,
): void {
  const step = tileBytes(depth, 4);
  for (let row = 0; row < rows; row += tileRows, tiles += step) {
    const last = rows - row - 1;
    const from = a + 4 * <usize>row * rowStride;
    if (kStride == 1) {
      const b = from + 4 * <usize>min(last, 1) * rowStride;
      const c = from + 4 * <usize>min(last, 2) * rowStride;
      const d = from + 4 * <usize>min(last, 3) * rowStride;
      packFloats(from, b, c, d, depth, tiles);
      continue;
    }
    for (let k: usize = 0; k < depth; k++) {
      const at = from + 4 * k * kStride;
      for (let i: usize = 0; i < 4; i++) {
        const value = load<f32>(at + 4 * <usize>min(last, <i32>i) * rowStride);
        store<f32>(tiles + 16 * k + 4 * i, value);
      }
    }
  }
}
