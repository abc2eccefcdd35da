/**
 * Float depthwise convolution, docs of ./depthwise, 16 channels at a time. Weights are
 * [channel / 16][tap][16 channels], 0 where channels are none, as is the bias.
 */
import { storeWords } from './block';
import { bounded, multiplyAdd } from './float';
import { pixelsInside, tapsBytes, writeTaps } from './taps';
import { fillBytes } from './tile';
import { Window } from './window';

/** Bytes of scratch that `depthwiseFloat` takes. */
export function depthwiseFloatScratch(window: Window): usize {
  return tapsBytes(window.kernelH * window.kernelW) + 4 * <usize>window.channels + 80;
}

/** The rows `begin` … `end − 1` of all outputs. x [N, H, W, C]; y [N, OH, OW, yChannels]. */
export function depthwiseFloat(
  window: Window,
  x: usize,
  weights: usize,
  bias: usize,
  y: usize,
  lower: f32,
  upper: f32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const cell = <usize>window.channels * 4;
  const yStep = <usize>window.yChannels * 4;
  const taps = window.kernelH * window.kernelW;
  const padding = scratch + tapsBytes(taps);
  const step = <usize>window.strideW * cell;
  fillBytes(padding, i8x16.splat(0), cell + 64);

  y += <usize>begin * window.outWidth * yStep;
  for (let row = begin; row < end; row++) {
    const n = row / window.outHeight;
    const oy = row - n * window.outHeight;
    for (let ox = 0; ox < window.outWidth; ) {
      const inside = writeTaps(window, scratch, x, cell, padding, n, oy, ox);
      const count = inside ? pixelsInside(window, ox) : 1;
      ox += count;
      for (let from: usize = 0, past = step * count; from < past; from += step, y += yStep) {
        pixel(scratch, taps, from, window.channels, weights, bias, y, lower, upper);
      }
    }
  }
}

/** All channels of the output pixel whose taps lie `from` bytes behind those of `table`. */
function pixel(
  table: usize,
  taps: i32,
  from: usize,
  channels: i32,
  weights: usize,
  bias: usize,
  y: usize,
  lower: f32,
  upper: f32,
): void {
  const low = f32x4.splat(lower);
  const high = f32x4.splat(upper);
  const end = table + 4 * <usize>taps;
  for (let c = 0; c < channels; c += 16, from += 64, bias += 64, y += 64) {
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    for (let i = table; i < end; i += 4, weights += 64) {
      const at = load<usize>(i) + from;
      c0 = multiplyAdd(v128.load(at), v128.load(weights), c0);
      c1 = multiplyAdd(v128.load(at, 16), v128.load(weights, 16), c1);
      c2 = multiplyAdd(v128.load(at, 32), v128.load(weights, 32), c2);
      c3 = multiplyAdd(v128.load(at, 48), v128.load(weights, 48), c3);
    }
    c0 = bounded(c0, low, high);
    c1 = bounded(c1, low, high);
    c2 = bounded(c2, low, high);
    c3 = bounded(c3, low, high);
    storeWords(c0, c1, c2, c3, y, channels - c);
  }
}
