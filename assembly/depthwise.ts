/**
 * Quantized depthwise convolution: each channel with its own filter, 16 channels at a time. Windows
 * are read through a table of their taps (./taps): of windows that lie side by side on x, one serves
 * all.
 *
 * x keeps its zero point, which padding is filled with; the bias has had xZero · Σ weight taken
 * off.
 */
import { depthwisePairs } from './depthwisePairs';
import { bytesOf, Output } from './output';
import { depthwiseQuads, depthwiseQuads9 } from './relaxedDepthwise';
import { pixelsInside, tapsBytes, writeTaps } from './taps';
import { fillBytes, quads } from './tile';
import { Window } from './window';

/** Taps, and what makes their number one of whole units. */
// @ts-ignore: decorator
@inline
function filledTaps(window: Window, layout: i32): i32 {
  const ofUnit = layout == quads ? 4 : 2;
  return (window.kernelH * window.kernelW + ofUnit - 1) & -ofUnit;
}

/** Bytes of scratch that `depthwise` takes. */
export function depthwiseScratch(window: Window, layout: i32): usize {
  return tapsBytes(filledTaps(window, layout)) + window.channels + 32;
}

/**
 * The rows `begin` … `end − 1` of all outputs.
 *
 * x uint8 [N, H, W, C]; y [N, OH, OW, yChannels], of the type that `output` names. `weights` are those of
 * `layout`; `bias` int32 and `multiplier` float32 have 16 elements for each block of channels.
 */
export function depthwise(
  window: Window,
  output: Output,
  layout: i32,
  x: usize,
  xZero: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const channels = window.channels;
  const taps = window.kernelH * window.kernelW;
  const filled = filledTaps(window, layout);
  const padding = scratch + tapsBytes(filled);
  const step = <usize>window.strideW * channels;
  const yStep = <usize>window.yChannels * bytesOf(output.kind);
  fillBytes(padding, i8x16.splat(<i8>xZero), channels + 16);

  y += <usize>begin * window.outWidth * yStep;
  for (let row = begin; row < end; row++) {
    const n = row / window.outHeight;
    const oy = row - n * window.outHeight;
    for (let ox = 0; ox < window.outWidth; ) {
      const inside = writeTaps(window, scratch, x, channels, padding, n, oy, ox);
      const count = inside ? pixelsInside(window, ox) : 1;
      // what fills up the last unit meets weights of 0
      for (let i = taps; i < filled; i++) {
        store<usize>(scratch + 4 * <usize>i, load<usize>(scratch));
      }
      ox += count;
      for (let from: usize = 0, past = step * count; from < past; from += step, y += yStep) {
        if (ASC_FEATURE_RELAXED_SIMD && layout == quads) {
          if (taps == 9) {
            depthwiseQuads9(scratch, from, channels, weights, bias, multiplier, y, output);
          } else {
            depthwiseQuads(scratch, filled, from, channels, weights, bias, multiplier, y, output);
          }
        } else {
          depthwisePairs(scratch, filled, from, channels, weights, bias, multiplier, y, output);
        }
      }
    }
  }
}
