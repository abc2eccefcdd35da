/**
 * Tiles: a few rows of a matrix product side by side, in the order in which a register tile reads
 * them: [depth / what a unit holds][rows] units of 32 bits. A unit is two neighbouring bytes widened
 * to int16 (`pairs`), four bytes as they are (`quads`), or a float32 (`floats`).
 *
 * Row p of a convolution is what lies under the window of output pixel p: runs of cells that are
 * neighbours in x, each filled up to whole units with whatever follows it, which meets weights of 0.
 * They are read where they lie; only a run that reaches over the border is built first.
 */
import { Window } from './window';

/** Values of `layout`. */
export const pairs: i32 = 0;
export const quads: i32 = 1;
export const floats: i32 = 2;
/** Quads of int8, for panels of small unsigned weights. */
export const signedQuads: i32 = 3;
/** No units: rows of bytes, one after the other, each filled up to whole vectors. */
export const rowsOfBytes: i32 = 4;

/** Rows of a tile. */
// @ts-ignore: decorator
@inline
export function tileRows(layout: i32): i32 {
  if (layout == quads || layout == signedQuads) return 6;
  return ASC_FEATURE_RELAXED_SIMD && layout == floats ? 6 : 4;
}

/** Bytes of x in a unit, as a power of two. */
// @ts-ignore: decorator
@inline
function unitShift(layout: i32): i32 {
  return layout == rowsOfBytes ? 0 : layout == pairs ? 1 : 2;
}

/** What the tiles of a strip may take: they stay in a second-level cache while all panels pass. */
export const stripBytes: usize = 256 << 10;

/** Vectors go up to 15 bytes beyond a run, and write as many units more. */
const overrun: usize = 16;

/** The longest tile, in rows. */
const mostRows: usize = 6;

/**
 * Of each row of a tile: where its window begins (the address may lie before x), its position, and
 * the address of the run at hand.
 */
const rowWords: usize = 16;

/** Cells of x that are neighbours under a window: a row of it, or a single tap. */
// @ts-ignore: decorator
@inline
function cellsOfRun(window: Window): i32 {
  return window.dilationW == 1 && window.groups == 1 ? window.kernelW : 1;
}

// @ts-ignore: decorator
@inline
function bytesOfRun(window: Window, size: usize): usize {
  return <usize>cellsOfRun(window) * (window.channels / window.groups) * size;
}

/** Units of a row. */
export function unitsOf(window: Window, layout: i32): i32 {
  const shift = unitShift(layout);
  const bytes = <i32>bytesOfRun(window, layout == floats ? 4 : 1);
  const runs = window.kernelH * (window.kernelW / cellsOfRun(window));
  return runs * ((bytes + (1 << shift) - 1) >> shift);
}

/** Bytes of a row of bytes; vectors go beyond what a run has. */
// @ts-ignore: decorator
@inline
export function rowBytes(units: i32): usize {
  return ((<usize>units + 15) & ~15) + overrun;
}

/** Bytes of a tile. */
// @ts-ignore: decorator
@inline
export function tileBytes(units: i32, layout: i32): usize {
  if (layout == rowsOfBytes) return rowBytes(units) * tileRows(layout);
  return 4 * <usize>units * tileRows(layout);
}

/** Rows of a strip, a multiple of a tile's. */
export function stripRows(units: i32, layout: i32, rows: i32): i32 {
  const fitting = <i32>min(stripBytes / max(tileBytes(units, layout), 1), 1 << 20);
  const unit = tileRows(layout);
  return min(max(fitting, 1), (rows + unit - 1) / unit) * unit;
}

/** Bytes of the tiles of a strip, and of what is written beyond them. */
export function stripBytesOf(units: i32, layout: i32, rows: i32): usize {
  const tiles = <usize>(stripRows(units, layout, rows) / tileRows(layout));
  return tiles * tileBytes(units, layout) + 2 * overrun * mostRows;
}

/** Bytes of `buffer` for `packStrip`. */
export function packBytesOf(window: Window, size: usize): usize {
  return mostRows * (rowWords + ((bytesOfRun(window, size) + overrun + 15) & ~15));
}

/** Four vectors of units, a row each, as four vectors of one unit of each row. */
// @ts-ignore: decorator
@inline
export function storeTransposed(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const lowAB = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const highAB = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const lowCD = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const highCD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(lowAB, lowCD, 0, 2));
  v128.store(to, v128.shuffle<u64>(lowAB, lowCD, 1, 3), 16);
  v128.store(to, v128.shuffle<u64>(highAB, highCD, 0, 2), 32);
  v128.store(to, v128.shuffle<u64>(highAB, highCD, 1, 3), 48);
}

/** Eight bytes as int16. */
// @ts-ignore: decorator
@inline
function widened(bytes: usize, signed: bool): v128 {
  return signed ? v128.load8x8_s(bytes) : v128.load8x8_u(bytes);
}

/** Puts runs of `bytes` bytes, whose addresses `rows` has, side by side as pairs of int16. */
// @ts-ignore: decorator
@inline
function packPairs(rows: usize, bytes: usize, to: usize, signed: bool): void {
  const a = load<usize>(rows, 12);
  const b = load<usize>(rows + rowWords, 12);
  const c = load<usize>(rows + 2 * rowWords, 12);
  const d = load<usize>(rows + 3 * rowWords, 12);
  for (let i: usize = 0; i < bytes; i += 8, to += 64) {
    storeTransposed(
      to,
      widened(a + i, signed),
      widened(b + i, signed),
      widened(c + i, signed),
      widened(d + i, signed),
    );
  }
}

/** The same as units of four bytes. */
function packFours(rows: usize, bytes: usize, to: usize): void {
  const a = load<usize>(rows, 12);
  const b = load<usize>(rows + rowWords, 12);
  const c = load<usize>(rows + 2 * rowWords, 12);
  const d = load<usize>(rows + 3 * rowWords, 12);
  for (let i: usize = 0; i < bytes; i += 16, to += 64) {
    storeTransposed(to, v128.load(a + i), v128.load(b + i), v128.load(c + i), v128.load(d + i));
  }
}

/** The same as rows of bytes. */
function copyRuns(rows: usize, bytes: usize, to: usize, step: usize): void {
  for (let i: usize = 0; i < <usize>tileRows(rowsOfBytes); i++, to += step) {
    copyBytes(to, load<usize>(rows + i * rowWords, 12), bytes);
  }
}

/** Six rows of units of four bytes, whose bits in `flip` are inverted. */
function packSixes(rows: usize, bytes: usize, to: usize, flip: v128): void {
  const a = load<usize>(rows, 12);
  const b = load<usize>(rows + rowWords, 12);
  const c = load<usize>(rows + 2 * rowWords, 12);
  const d = load<usize>(rows + 3 * rowWords, 12);
  const e = load<usize>(rows + 4 * rowWords, 12);
  const f = load<usize>(rows + 5 * rowWords, 12);
  for (let i: usize = 0; i < bytes; i += 16, to += 96) {
    const ra = v128.xor(v128.load(a + i), flip);
    const rb = v128.xor(v128.load(b + i), flip);
    const rc = v128.xor(v128.load(c + i), flip);
    const rd = v128.xor(v128.load(d + i), flip);
    const re = v128.xor(v128.load(e + i), flip);
    const rf = v128.xor(v128.load(f + i), flip);
    const lowAB = v128.shuffle<u32>(ra, rb, 0, 4, 1, 5);
    const lowCD = v128.shuffle<u32>(rc, rd, 0, 4, 1, 5);
    const lowEF = v128.shuffle<u32>(re, rf, 0, 4, 1, 5);
    v128.store(to, v128.shuffle<u64>(lowAB, lowCD, 0, 2));
    v128.store(to, v128.shuffle<u64>(lowEF, lowAB, 0, 3), 16);
    v128.store(to, v128.shuffle<u64>(lowCD, lowEF, 1, 3), 32);
    const highAB = v128.shuffle<u32>(ra, rb, 2, 6, 3, 7);
    const highCD = v128.shuffle<u32>(rc, rd, 2, 6, 3, 7);
    const highEF = v128.shuffle<u32>(re, rf, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<u64>(highAB, highCD, 0, 2), 48);
    v128.store(to, v128.shuffle<u64>(highEF, highAB, 0, 3), 64);
    v128.store(to, v128.shuffle<u64>(highCD, highEF, 1, 3), 80);
  }
}

// @ts-ignore: decorator
@inline
function copyBytes(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
}

// @ts-ignore: decorator
@inline
export function fillBytes(to: usize, value: v128, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, value);
}

/**
 * Tiles of the rows `first` … `first + rows − 1`; the last tile repeats the last row. `x` is where
 * the group's channels begin in the first cell. `padding` is the byte that stands on padding;
 * `flip` inverts bits of quads.
 */
export function packStrip(
  window: Window,
  layout: i32,
  x: usize,
  first: i32,
  rows: i32,
  padding: i32,
  flip: i32,
  tiles: usize,
  buffer: usize,
): void {
  const size: usize = layout == floats ? 4 : 1;
  const cell = <usize>window.channels * size;
  const width = window.width;
  const height = window.height;
  const cells = cellsOfRun(window);
  const bytes = bytesOfRun(window, size);
  const shift = unitShift(layout);
  const ofTile = tileRows(layout);
  const areRows = layout == rowsOfBytes;
  const unitsOfRun = (<i32>bytes + (1 << shift) - 1) >> shift;
  const runStep = areRows ? unitsOfRun : (unitsOfRun * ofTile) << 2;
  const step = tileBytes(unitsOf(window, layout), layout);
  const spanH = (window.kernelH - 1) * window.dilationH;
  const spanW = (window.kernelW - 1) * window.dilationW;
  const slotBytes = (bytes + overrun + 15) & ~15;
  const slots = buffer + mostRows * rowWords;
  const fill = i8x16.splat(<i8>padding);
  const flips = i8x16.splat(<i8>flip);

  const plane = window.outHeight * window.outWidth;
  let n = first / plane;
  let oy = (first - n * plane) / window.outWidth;
  let ox = first - n * plane - oy * window.outWidth;
  for (let row = 0; row < rows; tiles += step) {
    let to = tiles;
    let inside = true;
    let from: usize = 0;
    let iy = 0;
    let ix = 0;
    for (let i = 0; i < ofTile; i++) {
      if (row < rows) {
        iy = oy * window.strideH - window.padTop;
        ix = ox * window.strideW - window.padLeft;
        from = x + ((<usize>n * height + iy) * width + ix) * cell;
        inside = inside && iy >= 0 && iy + spanH < height && ix >= 0 && ix + spanW < width;
        row++;
        if (++ox == window.outWidth) {
          ox = 0;
          if (++oy == window.outHeight) {
            oy = 0;
            n++;
          }
        }
      }
      const at = buffer + <usize>i * rowWords;
      store<usize>(at, from);
      store<i32>(at, iy, 4);
      store<i32>(at, ix, 8);
    }
    for (let ky = 0; ky < window.kernelH; ky++) {
      const y = ky * window.dilationH;
      for (let kx = 0; kx < window.kernelW; kx += cells) {
        const left = kx * window.dilationW;
        const offset = (<usize>y * width + left) * cell;
        for (let i = 0; i < ofTile; i++) {
          const at = buffer + <usize>i * rowWords;
          let run = load<usize>(at) + offset;
          if (!inside) {
            const slot = slots + <usize>i * slotBytes;
            const column = load<i32>(at, 8) + left;
            const on = <u32>(load<i32>(at, 4) + y) < <u32>height;
            if (!on || column < 0 || column + cells > width) {
              fillBytes(slot, fill, bytes);
              const begin = max(-column, 0);
              const end = min(width - column, cells);
              if (on && begin < end) {
                const skipped = <usize>begin * cell;
                copyBytes(slot + skipped, run + skipped, <usize>(end - begin) * cell);
                if (end < cells) {
                  fillBytes(slot + <usize>end * cell, fill, <usize>(cells - end) * cell);
                }
              }
              run = slot;
            }
          }
          store<usize>(at, run, 12);
        }
        if (areRows) copyRuns(buffer, bytes, to, step / ofTile);
        else if (layout == pairs) packPairs(buffer, bytes, to, false);
        else if (ofTile == 4) packFours(buffer, bytes, to);
        else packSixes(buffer, bytes, to, flips);
        to += runStep;
      }
    }
  }
}

/** Bytes of `buffer` for `packRows` and `packMatrix`. */
export const packRowsBytes: usize = mostRows * rowWords;

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
  buffer: usize,
): void {
  const ofTile = tileRows(floats);
  const step = tileBytes(<i32>depth, floats);
  for (let row = 0; row < rows; row += ofTile, tiles += step) {
    for (let i = 0; i < ofTile; i++) {
      const from = a + 4 * <usize>min(row + i, rows - 1) * rowStride;
      if (kStride == 1) {
        store<usize>(buffer + <usize>i * rowWords, from, 12);
        continue;
      }
      for (let k: usize = 0; k < depth; k++) {
        store<f32>(tiles + 4 * (k * ofTile + i), load<f32>(from + 4 * k * kStride));
      }
    }
    if (kStride != 1) continue;
    if (ofTile == 4) packFours(buffer, 4 * depth, tiles);
    else packSixes(buffer, 4 * depth, tiles, i8x16.splat(0));
  }
}

/**
 * Tiles of the rows of a matrix without gaps: `bytes` bytes each, which `layout` names, pairs being
 * made of int8; or, where `asWords`, pairs of int16 as they are.
 */
export function packMatrix(
  x: usize,
  bytes: usize,
  rows: i32,
  layout: i32,
  asWords: bool,
  tiles: usize,
  tileStep: usize,
  buffer: usize,
): void {
  const ofTile = tileRows(layout);
  for (let row = 0; row < rows; row += ofTile, tiles += tileStep) {
    for (let i = 0; i < ofTile; i++) {
      store<usize>(buffer + <usize>i * rowWords, x + <usize>min(row + i, rows - 1) * bytes, 12);
    }
    if (asWords) packFours(buffer, bytes, tiles);
    else if (ofTile == 4) packPairs(buffer, bytes, tiles, true);
    else packSixes(buffer, bytes, tiles, i8x16.splat(0));
  }
}
