/**
 * Float depthwise convolution, through the table of taps (./taps), four channels at a time. Weights
 * are [channel / 4][tap][4 channels], padded with 0, as is the bias.
 */
import { copyEdge, edge } from './edge';
import { bounded, multiplyAdd } from './float';
import { fillBytes } from './tile';
import { moveTaps, staysInside, tapsBytes, writeTaps } from './taps';
import { Window } from './window';

/** Bytes of scratch that `depthwiseFloat` takes. */
export function depthwiseFloatScratch(window: Window): usize {
  return tapsBytes(window.kernelH * window.kernelW) + 4 * <usize>window.channels + 32;
}

/** x [N, H, W, C]; y [N, OH, OW, C]. */
export function depthwiseFloat(
  window: Window,
  x: usize,
  weights: usize,
  bias: usize,
  y: usize,
  lower: f32,
  upper: f32,
  scratch: usize,
): void {
  const cell = <usize>window.channels * 4;
  const taps = window.kernelH * window.kernelW;
  const tableBytes = tapsBytes(taps);
  const padding = scratch + tableBytes;
  const step = <usize>window.strideW * cell;
  const low = f32x4.splat(lower);
  const high = f32x4.splat(upper);
  fillBytes(padding, i8x16.splat(0), cell + 16);

  for (let n = 0; n < window.batch; n++) {
    for (let oy = 0; oy < window.outHeight; oy++) {
      let inside = false;
      for (let ox = 0; ox < window.outWidth; ox++, y += cell) {
        if (inside) moveTaps(scratch, tableBytes, step);
        else inside = writeTaps(window, scratch, x, cell, padding, n, oy, ox);
        let w = weights;
        for (let c: usize = 0; c < cell; c += 16) {
          let sum = v128.load(bias + c);
          let table = scratch;
          for (let i = taps; i > 0; i--) {
            sum = multiplyAdd(v128.load(load<usize>(table) + c), v128.load(w), sum);
            table += 4;
            w += 16;
          }
          const value = bounded(sum, low, high);
          if (c + 16 <= cell) {
            v128.store(y + c, value);
          } else {
            v128.store(edge, value);
            copyEdge(y + c, edge, cell - c);
          }
        }
        inside = inside && staysInside(window, ox);
      }
    }
  }
}
