/** Inputs for ./winograd: Bᵀ d B of four tiles at a time, as the rows of register tiles. */
import { pairs, storeTransposed, tileRows } from './tile';
import { Window } from './window';
import { places } from './winogradPanels';

/** Of eight channels of a group of tiles: what becomes of them before it is transposed. */
export const blockBytes: usize = 16 * places * 4;
/** The addresses of the cells of a group of tiles. */
export const cellsBytes: usize = 4 * places * 4;

/** Tiles side by side, and rows of tiles of all images. */
// @ts-ignore: decorator
@inline
export function tilesAcross(window: Window): i32 {
  return (window.outWidth + 1) >> 1;
}

// @ts-ignore: decorator
@inline
export function tilesDown(window: Window): i32 {
  return (window.outHeight + 1) >> 1;
}

/** The addresses of the 4 × 4 inputs of a tile, of which those on padding have `padding`. */
export function writeCells(window: Window, to: usize, x: usize, padding: usize, tile: i32): void {
  const across = tilesAcross(window);
  const down = tilesDown(window);
  const row = tile / across;
  const n = row / down;
  const top = ((row - n * down) << 1) - window.padTop;
  const left = ((tile - row * across) << 1) - window.padLeft;
  const cell = <usize>window.channels;
  for (let iy = top; iy < top + 4; iy++) {
    const onRow = <u32>iy < <u32>window.height;
    const from = x + (<usize>n * window.height + iy) * window.width * cell;
    for (let ix = left; ix < left + 4; ix++, to += 4) {
      const on = onRow && <u32>ix < <u32>window.width;
      store<usize>(to, on ? from + <usize>ix * cell : padding);
    }
  }
}

/** Bᵀ d B of four tiles, whose cells' addresses `cells` has, as the rows of a register tile for each place. */
export function transformInputs(cells: usize, channels: i32, block: usize, to: usize, step: usize): void {
  for (let c = 0; c < channels; c += 8, to += 64) {
    for (let i: usize = 0; i < 4; i++) {
      const from = cells + 4 * places * i;
      const at = block + 16 * i;
      const b0 = inputs(from, 4, c);
      const b1 = inputs(from, 5, c);
      const b2 = inputs(from, 6, c);
      const b3 = inputs(from, 7, c);
      const c0 = inputs(from, 8, c);
      const c1 = inputs(from, 9, c);
      const c2 = inputs(from, 10, c);
      const c3 = inputs(from, 11, c);
      storeAlong(at, 1, i16x8.add(b0, c0), i16x8.add(b1, c1), i16x8.add(b2, c2), i16x8.add(b3, c3));
      storeAlong(at, 2, i16x8.sub(c0, b0), i16x8.sub(c1, b1), i16x8.sub(c2, b2), i16x8.sub(c3, b3));
      storeAlong(
        at,
        0,
        i16x8.sub(inputs(from, 0, c), c0),
        i16x8.sub(inputs(from, 1, c), c1),
        i16x8.sub(inputs(from, 2, c), c2),
        i16x8.sub(inputs(from, 3, c), c3),
      );
      storeAlong(
        at,
        3,
        i16x8.sub(b0, inputs(from, 12, c)),
        i16x8.sub(b1, inputs(from, 13, c)),
        i16x8.sub(b2, inputs(from, 14, c)),
        i16x8.sub(b3, inputs(from, 15, c)),
      );
    }
    for (let place = 0; place < places; place++) {
      const from = block + 64 * <usize>place;
      storeTransposed(
        to + <usize>place * step,
        v128.load(from),
        v128.load(from, 16),
        v128.load(from, 32),
        v128.load(from, 48),
      );
    }
  }
}

/** Eight channels of one cell. */
// @ts-ignore: decorator
@inline
function inputs(cells: usize, cell: usize, channel: usize): v128 {
  return v128.load8x8_u(load<usize>(cells + 4 * cell) + channel);
}

/** Row `row` of the places of a tile, from that row of Bᵀ d. */
// @ts-ignore: decorator
@inline
function storeAlong(at: usize, row: usize, d0: v128, d1: v128, d2: v128, d3: v128): void {
  v128.store(at + 256 * row, i16x8.sub(d0, d2));
  v128.store(at + 256 * row, i16x8.add(d1, d2), 64);
  v128.store(at + 256 * row, i16x8.sub(d2, d1), 128);
  v128.store(at + 256 * row, i16x8.sub(d1, d3), 192);
}
