/**
 * The kernels of depthwise convolution (./depthwise) by the relaxed dot product of four bytes (docs
 * of ./dot), its second operand unsigned: four taps of 16 channels are transposed, and meet
 * weights [channel / 16][tap / 4][16 channels][4] as int8, 0 where taps are none.
 */
import { storeBytes, storeWords } from './block';
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
import { magicOf, requantize } from './requantize';

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
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  for (let c = 0; c < channels; c += 16) {
    const at = from + c;
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    for (let i = table, end = table + 4 * <usize>taps; i < end; i += 16, weights += 64) {
      const t0 = tap(i, 0, at);
      const t1 = tap(i, 4, at);
      const t2 = tap(i, 8, at);
      const t3 = tap(i, 12, at);
      let t01 = lowBytes(t0, t1);
      let t23 = lowBytes(t2, t3);
      let quad = lowWords(t01, t23);
      c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), quad, c0);
      quad = highWords(t01, t23);
      c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 16), quad, c1);
      t01 = highBytes(t0, t1);
      t23 = highBytes(t2, t3);
      quad = lowWords(t01, t23);
      c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 32), quad, c2);
      quad = highWords(t01, t23);
      c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 48), quad, c3);
    }
    y = storeBlock(c0, c1, c2, c3, multiplier, y, channels - c, output);
    bias += 64;
    multiplier += 64;
  }
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
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  for (let c = 0; c < channels; c += 16, weights += 192) {
    const at = from + c;
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    let t0 = tap(table, 0, at);
    let t1 = tap(table, 4, at);
    let t2 = tap(table, 8, at);
    let t3 = tap(table, 12, at);
    let t01 = lowBytes(t0, t1);
    let t23 = lowBytes(t2, t3);
    let quad = lowWords(t01, t23);
    c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), quad, c0);
    quad = highWords(t01, t23);
    c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 16), quad, c1);
    t01 = highBytes(t0, t1);
    t23 = highBytes(t2, t3);
    quad = lowWords(t01, t23);
    c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 32), quad, c2);
    quad = highWords(t01, t23);
    c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 48), quad, c3);
    t0 = tap(table, 16, at);
    t1 = tap(table, 20, at);
    t2 = tap(table, 24, at);
    t3 = tap(table, 28, at);
    t01 = lowBytes(t0, t1);
    t23 = lowBytes(t2, t3);
    quad = lowWords(t01, t23);
    c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 64), quad, c0);
    quad = highWords(t01, t23);
    c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 80), quad, c1);
    t01 = highBytes(t0, t1);
    t23 = highBytes(t2, t3);
    quad = lowWords(t01, t23);
    c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 96), quad, c2);
    quad = highWords(t01, t23);
    c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 112), quad, c3);
    t0 = tap(table, 32, at);
    t01 = lowBytes(t0, t0);
    quad = lowWords(t01, t01);
    c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 128), quad, c0);
    quad = highWords(t01, t01);
    c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 144), quad, c1);
    t01 = highBytes(t0, t0);
    quad = lowWords(t01, t01);
    c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 160), quad, c2);
    quad = highWords(t01, t01);
    c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 176), quad, c3);
    y = storeBlock(c0, c1, c2, c3, multiplier, y, channels - c, output);
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

/**
 * Stores a block, of which `count` channels are on the output. Returns where the next one belongs.
 */
// @ts-ignore: decorator
@inline
function storeBlock(
  c0: v128,
  c1: v128,
  c2: v128,
  c3: v128,
  multiplier: usize,
  y: usize,
  count: i32,
  output: Output,
): usize {
  const m0 = v128.load(multiplier);
  const m1 = v128.load(multiplier, 16);
  const m2 = v128.load(multiplier, 32);
  const m3 = v128.load(multiplier, 48);
  const kind = output.kind;
  if (kind == toUint8) {
    const low = lowOf(output);
    const high = highOf(output);
    const shift = shiftOf(output);
    const magic = magicOf();
    const bytes = narrowToBytes(
      requantize(c0, m0, low, high, shift, magic),
      requantize(c1, m1, low, high, shift, magic),
      requantize(c2, m2, low, high, shift, magic),
      requantize(c3, m3, low, high, shift, magic),
    );
    storeBytes(bytes, y, count);
    return y + 16;
  }
  if (kind == toFloat32) {
    const lower = lowerOf(output);
    const upper = upperOf(output);
    c0 = scaled(c0, m0, lower, upper);
    c1 = scaled(c1, m1, lower, upper);
    c2 = scaled(c2, m2, lower, upper);
    c3 = scaled(c3, m3, lower, upper);
  }
  storeWords(c0, c1, c2, c3, y, count);
  return y + 64;
}
