/** Results of a block of 16 channels, of which the first `count`, or all, are on the output. */
import { copyEdge, edge } from './edge';
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

/** Stores 16 bytes. */
// @ts-ignore: decorator
@inline
function storeBytes(bytes: v128, y: usize, count: i32): void {
  if (count >= 16) {
    v128.store(y, bytes);
  } else {
    v128.store(edge, bytes);
    copyEdge(y, edge, count);
  }
}

/** Stores 16 words. */
// @ts-ignore: decorator
@inline
export function storeWords(
  w0: v128,
  w1: v128,
  w2: v128,
  w3: v128,
  y: usize,
  count: i32,
): void {
  const to = count >= 16 ? y : edge;
  v128.store(to, w0);
  v128.store(to, w1, 16);
  v128.store(to, w2, 32);
  v128.store(to, w3, 48);
  if (count < 16) copyEdge(y, edge, 4 * count);
}

/**
 * Stores what becomes of the accumulators of a block, of the type that `output` names. Channels are in
 * order, or `inHalves`: even and odd ones of the lower half, and of the upper half. Returns where the
 * next block belongs.
 */
// @ts-ignore: decorator
@inline
export function storeBlock(
  inHalves: bool,
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
    const q0 = requantize(c0, m0, low, high, shift, magic);
    const q1 = requantize(c1, m1, low, high, shift, magic);
    const q2 = requantize(c2, m2, low, high, shift, magic);
    const q3 = requantize(c3, m3, low, high, shift, magic);
    if (inHalves) {
      const odd = i16x8.shl(i16x8.narrow_i32x4_s(q1, q3), 8);
      storeBytes(v128.or(i16x8.narrow_i32x4_s(q0, q2), odd), y, count);
    } else {
      storeBytes(narrowToBytes(q0, q1, q2, q3), y, count);
    }
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
  if (inHalves) {
    storeWords(
      v128.shuffle<u32>(c0, c1, 0, 4, 1, 5),
      v128.shuffle<u32>(c0, c1, 2, 6, 3, 7),
      v128.shuffle<u32>(c2, c3, 0, 4, 1, 5),
      v128.shuffle<u32>(c2, c3, 2, 6, 3, 7),
      y,
      count,
    );
  } else {
    storeWords(c0, c1, c2, c3, y, count);
  }
  return y + 64;
}
