/**
 * The kernels of depthwise convolution (./depthwise) by the relaxed dot product of four bytes (docs
 * of ./dot), its second operand unsigned: four taps of 16 channels are transposed, and meet
 * weights [channel / 16][tap / 4][16 channels][4] as int8, 0 where taps are none.
 */
import { storeBlock } from './block';
import { Output } from './output';

/** All channels of the output pixel whose taps lie `from` bytes behind those of `table`. */
export function depthwiseQuads(
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
  multiplyTaps(false, table, taps, from, channels, weights, bias, multiplier, y, output);
}

/** The same with nine taps. */
export function depthwiseQuads9(
  table: usize,
  from: usize,
  channels: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  output: Output,
): void {
  multiplyTaps(true, table, 9, from, channels, weights, bias, multiplier, y, output);
}

/** The template of both; `areNine` is a constant. */
// @ts-ignore: decorator
@inline
function multiplyTaps(
  areNine: bool,
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
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  for (let c = 0; c < channels; c += 16) {
    const at = from + c;
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    if (areNine) {
      let t0 = tap(table, 0, at);
      let t1 = tap(table, 4, at);
      let t2 = tap(table, 8, at);
      let t3 = tap(table, 12, at);
      c0 = addQuad(0, t0, t1, t2, t3, weights, c0);
      c1 = addQuad(1, t0, t1, t2, t3, weights, c1);
      c2 = addQuad(2, t0, t1, t2, t3, weights, c2);
      c3 = addQuad(3, t0, t1, t2, t3, weights, c3);
      t0 = tap(table, 16, at);
      t1 = tap(table, 20, at);
      t2 = tap(table, 24, at);
      t3 = tap(table, 28, at);
      c0 = addQuad(0, t0, t1, t2, t3, weights + 64, c0);
      c1 = addQuad(1, t0, t1, t2, t3, weights + 64, c1);
      c2 = addQuad(2, t0, t1, t2, t3, weights + 64, c2);
      c3 = addQuad(3, t0, t1, t2, t3, weights + 64, c3);
      t0 = tap(table, 32, at);
      c0 = addQuad(0, t0, t0, t0, t0, weights + 128, c0);
      c1 = addQuad(1, t0, t0, t0, t0, weights + 128, c1);
      c2 = addQuad(2, t0, t0, t0, t0, weights + 128, c2);
      c3 = addQuad(3, t0, t0, t0, t0, weights + 128, c3);
      weights += 192;
    } else {
      for (let i = table, end = table + 4 * <usize>taps; i < end; i += 16, weights += 64) {
        const t0 = tap(i, 0, at);
        const t1 = tap(i, 4, at);
        const t2 = tap(i, 8, at);
        const t3 = tap(i, 12, at);
        c0 = addQuad(0, t0, t1, t2, t3, weights, c0);
        c1 = addQuad(1, t0, t1, t2, t3, weights, c1);
        c2 = addQuad(2, t0, t1, t2, t3, weights, c2);
        c3 = addQuad(3, t0, t1, t2, t3, weights, c3);
      }
    }
    y = storeBlock(false, c0, c1, c2, c3, multiplier, y, channels - c, output);
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
function lowBytes(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function highBytes(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
function lowWords(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function highWords(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Adds to four channels, the `part`th of 16, their four taps times weights. */
// @ts-ignore: decorator
@inline
function addQuad(
  part: i32,
  t0: v128,
  t1: v128,
  t2: v128,
  t3: v128,
  weights: usize,
  acc: v128,
): v128 {
  const t01 = part < 2 ? lowBytes(t0, t1) : highBytes(t0, t1);
  const t23 = part < 2 ? lowBytes(t2, t3) : highBytes(t2, t3);
  const quad = (part & 1) == 0 ? lowWords(t01, t23) : highWords(t01, t23);
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights + 16 * part), quad, acc);
}
