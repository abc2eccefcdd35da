/**
 * Brings the cells under one position of a window into one run of bytes: a row of the matrix
 * product that a convolution is. Only the rows of a strip exist at a time, never those of the whole
 * input.
 *
 * Bytes move 16 at a time: up to 15 beyond a run are read and written. Tensors end in slack that
 * may be read; what is written is built in order and has `overrun` bytes to spare.
 */
import { Window } from './window';

/** Bytes that copies and fills may write beyond their end. */
export const overrun: usize = 16;

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
 * Whether the window is one cell and never lies on padding, so that cells of x are rows as they
 * are.
 */
export function isPointwise(window: Window): bool {
  return (
    window.kernelH == 1 &&
    window.kernelW == 1 &&
    window.padTop == 0 &&
    window.padLeft == 0 &&
    (window.outHeight - 1) * window.strideH < window.height &&
    (window.outWidth - 1) * window.strideW < window.width
  );
}

/**
 * Writes, tap after tap, `depth` bytes of each cell under the window of output pixel (n, oy, ox),
 * and the byte `padding` where the window lies on padding. Cells are `cell` bytes apart; `x` is
 * where those bytes are in the first one.
 */
export function gatherRow(
  window: Window,
  x: usize,
  n: i32,
  oy: i32,
  ox: i32,
  cell: usize,
  depth: usize,
  padding: i32,
  to: usize,
): void {
  const fill = i8x16.splat(<i8>padding);
  const kernelW = window.kernelW;
  const width = window.width;
  const height = window.height;
  const dilationW = window.dilationW;
  const left = ox * window.strideW - window.padLeft;
  const rowBytes = <usize>kernelW * depth;
  const joined = dilationW == 1 && depth == cell;
  // Taps of a joined row that lie on the input.
  const first = min(max(-left, 0), kernelW);
  const end = max(min(width - left, kernelW), first);
  let iy = oy * window.strideH - window.padTop;
  for (let ky = 0; ky < window.kernelH; ky++, iy += window.dilationH) {
    if (<u32>iy >= <u32>height) {
      fillBytes(to, fill, rowBytes);
      to += rowBytes;
      continue;
    }
    const row = x + (<usize>n * height + iy) * width * cell;
    if (joined) {
      fillBytes(to, fill, <usize>first * depth);
      to += <usize>first * depth;
      copyBytes(to, row + <usize>(left + first) * cell, <usize>(end - first) * depth);
      to += <usize>(end - first) * depth;
      fillBytes(to, fill, <usize>(kernelW - end) * depth);
      to += <usize>(kernelW - end) * depth;
    } else {
      let ix = left;
      for (let kx = 0; kx < kernelW; kx++, ix += dilationW) {
        if (<u32>ix < <u32>width) copyBytes(to, row + <usize>ix * cell, depth);
        else fillBytes(to, fill, depth);
        to += depth;
      }
    }
  }
}
