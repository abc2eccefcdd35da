/**
 * The kernels of depthwise convolution (./depthwise). Two taps meet in one dot product: words of the
 * one, two channels each, are interleaved with words of the other; the low bytes of the words are
 * then the even channels of both, the high bytes the odd ones, and either takes one instruction to
 * widen. So weights, bias and multipliers come in the order of `placeInBlock`
 * (src/backends/wasm/pack.ts); weights are [channel / 16][tap / 2][16 channels][2] as int16, 0 where
 * the number of taps is odd and ends.
 */
import { storeBlock } from './block';
import { Output } from './output';

/** Exported for the reason that `roundingMagic` is. */
export let evenBytes: i32 = 0x00ff00ff;

/** All channels of the output pixel whose taps lie `from` bytes behind those of `table`. */
export function depthwisePairs(
  table: usize,
  taps: i32,
  from: usize,
  channels: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  output: Output,
): void {
  const lowBytes = i32x4.splat(evenBytes);
  for (let c = 0; c < channels; c += 16) {
    const at = from + c;
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    for (let i = table, end = table + 4 * <usize>taps; i < end; i += 8, weights += 64) {
      const a = tap(i, 0, at);
      const b = tap(i, 4, at);
      let half = interleaveLow(a, b);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v128.and(half, lowBytes), v128.load(weights)));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(i16x8.shr_u(half, 8), v128.load(weights, 16)));
      half = interleaveHigh(a, b);
      c2 = i32x4.add(c2, i32x4.dot_i16x8_s(v128.and(half, lowBytes), v128.load(weights, 32)));
      c3 = i32x4.add(c3, i32x4.dot_i16x8_s(i16x8.shr_u(half, 8), v128.load(weights, 48)));
    }
    y = storeBlock(true, c0, c1, c2, c3, multiplier, y, channels - c, output);
    bias += 64;
    multiplier += 64;
  }
}

// @ts-ignore: decorator
@inline
function tap(table: usize, offset: usize, at: usize): v128 {
  return v128.load(load<usize>(table + offset) + at);
}

// @ts-ignore: decorator
@inline
function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
