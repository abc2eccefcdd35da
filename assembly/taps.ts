/**
 * The table of a window's taps: for each tap, the address of the cell that it lies on, or that of a
 * cell of padding. Kernels that go along the channels read cells through it.
 */
import { Window } from './window';

/** Bytes of the table for `count` taps. */
export function tapsBytes(count: i32): usize {
  return (<usize>count * 4 + 15) & ~15;
}

/**
 * Writes the table for output pixel (n, oy, ox), rows first. Cells of x are `cell` bytes apart.
 * Returns whether no tap lies on padding.
 */
export function writeTaps(
  window: Window,
  table: usize,
  x: usize,
  cell: usize,
  padding: usize,
  n: i32,
  oy: i32,
  ox: i32,
): bool {
  const width = window.width;
  const left = ox * window.strideW - window.padLeft;
  let iy = oy * window.strideH - window.padTop;
  let inside = true;
  for (let ky = 0; ky < window.kernelH; ky++, iy += window.dilationH) {
    const row = x + (<usize>n * window.height + iy) * width * cell;
    const onRow = <u32>iy < <u32>window.height;
    let ix = left;
    for (let kx = 0; kx < window.kernelW; kx++, ix += window.dilationW) {
      const on = onRow && <u32>ix < <u32>width;
      store<usize>(table, on ? row + <usize>ix * cell : padding);
      inside = inside && on;
      table += 4;
    }
  }
  return inside;
}

/**
 * How many windows that follow each other from (oy, ox) on lie on the input, if the first one does.
 */
// @ts-ignore: decorator
@inline
export function pixelsInside(window: Window, ox: i32): i32 {
  const right = (window.kernelW - 1) * window.dilationW - window.padLeft;
  const end = (window.width - 1 - right) / window.strideW + 1;
  return min(end, window.outWidth) - ox;
}
