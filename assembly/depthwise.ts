/**
 * Quantized depthwise convolution: each channel with its own filter. Goes along 16 channels at a
 * time, two taps in one dot product: their bytes are interleaved and widened, and meet the weights
 * [channel / 16][tap / 2][16 channels][2] as int16, 0 where the number of taps is odd and ends.
 *
 * x keeps its zero point, which padding is filled with; the bias has had xZero · Σ weight taken
 * off.
 */
import { copyEdge, edge } from './edge';
import { fillBytes } from './tile';
import {
  highOf,
  lowerOf,
  lowOf,
  narrowToBytes,
  Output,
  scaled,
  shiftOf,
  toFloat32,
  toUint8,
  upperOf,
} from './output';
import { requantize } from './requantize';
import { moveTaps, staysInside, tapsBytes, writeTaps } from './taps';
import { Window } from './window';

/** Channels of a block. */
const block: i32 = 16;

// @ts-ignore: decorator
@inline
function pairsOf(window: Window): i32 {
  return (window.kernelH * window.kernelW + 1) >> 1;
}

/** Bytes of scratch that `depthwise` takes. */
export function depthwiseScratch(window: Window): usize {
  return tapsBytes(2 * pairsOf(window)) + window.channels + 2 * block;
}

/**
 * x uint8 [N, H, W, C]; y [N, OH, OW, C], of the type that `output` names. `bias` int32 and
 * `multiplier` float32 have 16 elements for each block of channels.
 */
export function depthwise(
  window: Window,
  output: Output,
  x: usize,
  xZero: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  scratch: usize,
): void {
  const channels = window.channels;
  const pairs = pairsOf(window);
  const odd = (window.kernelH * window.kernelW) & 1;
  const tableBytes = tapsBytes(2 * pairs);
  const padding = scratch + tableBytes;
  const step = <usize>window.strideW * channels;
  const yStep = <usize>channels * (output.kind == toUint8 ? 1 : 4);
  fillBytes(padding, i8x16.splat(<i8>xZero), channels + block);

  for (let n = 0; n < window.batch; n++) {
    for (let oy = 0; oy < window.outHeight; oy++) {
      let inside = false;
      for (let ox = 0; ox < window.outWidth; ox++, y += yStep) {
        if (inside) {
          moveTaps(scratch, tableBytes, step);
        } else {
          inside = writeTaps(window, scratch, x, channels, padding, n, oy, ox);
          // what makes a pair of the last of an odd number meets weights of 0
          if (odd) store<usize>(scratch + <usize>pairs * 8 - 4, load<usize>(scratch));
        }
        depthwisePixel(scratch, pairs, channels, weights, bias, multiplier, y, output);
        inside = inside && staysInside(window, ox);
      }
    }
  }
}

/** All channels of one output pixel. */
function depthwisePixel(
  table: usize,
  pairs: i32,
  channels: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  output: Output,
): void {
  const kind = output.kind;
  for (let c = 0; c < channels; c += block) {
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    let taps = table;
    for (let i = pairs; i > 0; i--) {
      const a = v128.load(load<usize>(taps) + c);
      const b = v128.load(load<usize>(taps, 4) + c);
      const ab = v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const cd = v128.shuffle<u8>(
        a,
        b,
        8,
        24,
        9,
        25,
        10,
        26,
        11,
        27,
        12,
        28,
        13,
        29,
        14,
        30,
        15,
        31,
      );
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(ab), v128.load(weights)));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(ab), v128.load(weights, 16)));
      c2 = i32x4.add(c2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(cd), v128.load(weights, 32)));
      c3 = i32x4.add(c3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(cd), v128.load(weights, 48)));
      taps += 8;
      weights += 64;
    }
    const m0 = v128.load(multiplier);
    const m1 = v128.load(multiplier, 16);
    const m2 = v128.load(multiplier, 32);
    const m3 = v128.load(multiplier, 48);
    bias += 64;
    multiplier += 64;
    const whole = channels - c >= block;
    const count = min(channels - c, block);
    const to = whole ? y : edge;
    if (kind == toUint8) {
      const low = lowOf(output);
      const high = highOf(output);
      const shift = shiftOf(output);
      const bytes = narrowToBytes(
        requantize(c0, m0, low, high, shift),
        requantize(c1, m1, low, high, shift),
        requantize(c2, m2, low, high, shift),
        requantize(c3, m3, low, high, shift),
      );
      v128.store(to, bytes);
      if (!whole) copyEdge(y, edge, count);
      y += block;
      continue;
    }
    if (kind == toFloat32) {
      const lower = lowerOf(output);
      const upper = upperOf(output);
      c0 = scaled(c0, m0, lower, upper);
      c1 = scaled(c1, m1, lower, upper);
      c2 = scaled(c2, m2, lower, upper);
      c3 = scaled(c3, m3, lower, upper);
    }
    v128.store(to, c0);
    v128.store(to, c1, 16);
    v128.store(to, c2, 32);
    v128.store(to, c3, 48);
    if (!whole) copyEdge(y, edge, 4 * count);
    y += 4 * block;
  }
}
