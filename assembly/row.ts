/**
 * Dot products of one quantized row with packed weights: a matrix times a vector. Every weight is
 * read once, so they stay int8, half of what ./dot reads, in panels of 32 columns, [k / 2][32
 * columns][2], whose accumulators keep one row's worth of registers busy.
 */
import { copyEdge, edge } from './edge';
import { narrowToBytes, Output, scaled, toFloat32, toUint8 } from './output';
import { boundOf, requantize, shiftOf } from './requantize';

const columnsOfPanel: i32 = 32;

/** Bytes of scratch that `multiplyRow` takes. */
export function rowScratch(depth: i32): usize {
  return 2 * ((<usize>depth + 7) & ~7);
}

/** Widens x − zero to int16, filled up with whatever follows, which meets weights of 0. */
function widen(x: usize, zero: i32, depth: i32, to: usize): void {
  const zeros = i16x8.splat(<i16>zero);
  for (let k = 0; k < depth; k += 8, x += 8, to += 16) {
    v128.store(to, i16x8.sub(v128.load8x8_u(x), zeros));
  }
}

/** Four columns' products with one pair of the row. */
// @ts-ignore: decorator
@inline
function product(pair: v128, weights: usize, offset: usize): v128 {
  return i32x4.dot_i16x8_s(pair, v128.load8x8_s(weights + offset));
}

/**
 * y [columns], of the type that `output` names, from x uint8 [depth]. `bias` and `multiplier` have
 * 32 elements for each panel.
 */
export function multiplyRow(
  output: Output,
  x: usize,
  xZero: i32,
  depth: i32,
  columns: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  scratch: usize,
): void {
  const kind = output.kind;
  const size = kind == toUint8 ? 1 : 4;
  const low = boundOf(output.min, output.zero);
  const high = boundOf(output.max, output.zero);
  const shift = shiftOf(output.zero);
  const lower = f32x4.splat(output.lower);
  const upper = f32x4.splat(output.upper);
  widen(x, xZero, depth, scratch);
  for (; columns > 0; columns -= columnsOfPanel) {
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    let c4 = v128.load(bias, 64);
    let c5 = v128.load(bias, 80);
    let c6 = v128.load(bias, 96);
    let c7 = v128.load(bias, 112);
    let a = scratch;
    for (let k = depth; k > 0; k -= 2, a += 4, weights += 64) {
      const pair = v128.load32_splat(a);
      c0 = i32x4.add(c0, product(pair, weights, 0));
      c1 = i32x4.add(c1, product(pair, weights, 8));
      c2 = i32x4.add(c2, product(pair, weights, 16));
      c3 = i32x4.add(c3, product(pair, weights, 24));
      c4 = i32x4.add(c4, product(pair, weights, 32));
      c5 = i32x4.add(c5, product(pair, weights, 40));
      c6 = i32x4.add(c6, product(pair, weights, 48));
      c7 = i32x4.add(c7, product(pair, weights, 56));
    }
    const whole = columns >= columnsOfPanel;
    const to = whole ? y : edge;
    const m0 = v128.load(multiplier);
    const m1 = v128.load(multiplier, 16);
    const m2 = v128.load(multiplier, 32);
    const m3 = v128.load(multiplier, 48);
    const m4 = v128.load(multiplier, 64);
    const m5 = v128.load(multiplier, 80);
    const m6 = v128.load(multiplier, 96);
    const m7 = v128.load(multiplier, 112);
    if (kind == toUint8) {
      const low16 = narrowToBytes(
        requantize(c0, m0, low, high, shift),
        requantize(c1, m1, low, high, shift),
        requantize(c2, m2, low, high, shift),
        requantize(c3, m3, low, high, shift),
      );
      const high16 = narrowToBytes(
        requantize(c4, m4, low, high, shift),
        requantize(c5, m5, low, high, shift),
        requantize(c6, m6, low, high, shift),
        requantize(c7, m7, low, high, shift),
      );
      v128.store(to, low16);
      v128.store(to, high16, 16);
    } else {
      if (kind == toFloat32) {
        c0 = scaled(c0, m0, lower, upper);
        c1 = scaled(c1, m1, lower, upper);
        c2 = scaled(c2, m2, lower, upper);
        c3 = scaled(c3, m3, lower, upper);
        c4 = scaled(c4, m4, lower, upper);
        c5 = scaled(c5, m5, lower, upper);
        c6 = scaled(c6, m6, lower, upper);
        c7 = scaled(c7, m7, lower, upper);
      }
      v128.store(to, c0);
      v128.store(to, c1, 16);
      v128.store(to, c2, 32);
      v128.store(to, c3, 48);
      v128.store(to, c4, 64);
      v128.store(to, c5, 80);
      v128.store(to, c6, 96);
      v128.store(to, c7, 112);
    }
    if (!whole) copyEdge(y, edge, size * columns);
    y += size * columnsOfPanel;
    bias += 128;
    multiplier += 128;
  }
}
