/**
 * Dot products of one quantized row with packed weights: a matrix times a vector. Every weight is
 * read once, so they stay int8, half of what ./dot reads, in panels of 32 columns.
 *
 * Two columns share a lane of 16 bits, v = 256 · w1 + (w0 + 128), and the row's value x multiplies
 * v and v >> 8. So Σ x · w1 comes from the second product, and Σ x · w0 is the first less 256 times
 * that and 128 · Σ x: modulo 2³², which is all an accumulator is. It saves the widening of w0.
 *
 * Panels: [depth / 2][4 vectors][4 columns][2] lanes, w0 of the vector's columns 0 … 3 and w1 of its
 * columns 4 … 7.
 */
import { bytesOf, Output } from './output';
import { storeRow } from './rowOutput';

/** Columns of a panel. */
export const rowColumns: i32 = 32;

/** Bytes of scratch that `multiplyRow` takes. */
export function rowScratch(depth: i32): usize {
  return 2 * ((<usize>depth + 15) & ~15);
}

/**
 * The columns of panels `begin` … `end − 1` of y [columns], of the type that `output` names, from x
 * uint8 [depth], as it is. `bias` and `multiplier` have 32 elements for each panel.
 */
export function multiplyRow(
  output: Output,
  x: usize,
  depth: i32,
  columns: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const offset = i32x4.shl(i32x4.splat(widen(x, depth, scratch)), 7);
  const first = begin * rowColumns;
  weights += <usize>begin * (2 * rowColumns * ((<usize>depth + 1) >> 1));
  bias += 4 * <usize>first;
  multiplier += 4 * <usize>first;
  y += <usize>first * bytesOf(output.kind);
  columns = min(columns, end * rowColumns) - first;
  for (; columns > 0; columns -= rowColumns) {
    let h0 = v128.load(bias, 16);
    let h1 = v128.load(bias, 48);
    let h2 = v128.load(bias, 80);
    let h3 = v128.load(bias, 112);
    let f0 = v128.load(bias);
    let f1 = v128.load(bias, 32);
    let f2 = v128.load(bias, 64);
    let f3 = v128.load(bias, 96);
    f0 = i32x4.add(f0, i32x4.shl(h0, 8));
    f1 = i32x4.add(f1, i32x4.shl(h1, 8));
    f2 = i32x4.add(f2, i32x4.shl(h2, 8));
    f3 = i32x4.add(f3, i32x4.shl(h3, 8));
    let a = scratch;
    for (let k = depth; k > 0; k -= 2, a += 4, weights += 64) {
      const pair = v128.load32_splat(a);
      let v = v128.load(weights);
      f0 = i32x4.add(f0, i32x4.dot_i16x8_s(pair, v));
      h0 = i32x4.add(h0, i32x4.dot_i16x8_s(pair, i16x8.shr_s(v, 8)));
      v = v128.load(weights, 16);
      f1 = i32x4.add(f1, i32x4.dot_i16x8_s(pair, v));
      h1 = i32x4.add(h1, i32x4.dot_i16x8_s(pair, i16x8.shr_s(v, 8)));
      v = v128.load(weights, 32);
      f2 = i32x4.add(f2, i32x4.dot_i16x8_s(pair, v));
      h2 = i32x4.add(h2, i32x4.dot_i16x8_s(pair, i16x8.shr_s(v, 8)));
      v = v128.load(weights, 48);
      f3 = i32x4.add(f3, i32x4.dot_i16x8_s(pair, v));
      h3 = i32x4.add(h3, i32x4.dot_i16x8_s(pair, i16x8.shr_s(v, 8)));
    }
    y = storeRow(
      low(f0, h0, offset),
      h0,
      low(f1, h1, offset),
      h1,
      low(f2, h2, offset),
      h2,
      low(f3, h3, offset),
      h3,
      multiplier,
      y,
      columns,
      output,
    );
    bias += 4 * rowColumns;
    multiplier += 4 * rowColumns;
  }
}

/** Widens x to int16, filled up with whatever follows, which meets weights of 0; returns Σ x. */
function widen(x: usize, depth: i32, to: usize): i32 {
  let sums = i32x4.splat(0);
  let k = 0;
  for (; k + 8 <= depth; k += 8) {
    const eight = v128.load8x8_u(x + k);
    v128.store(to + 2 * k, eight);
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(eight));
  }
  v128.store(to + 2 * k, v128.load8x8_u(x + k));
  sums = i32x4.add(sums, v128.shuffle<u64>(sums, sums, 1, 0));
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  for (; k < depth; k++) sum += load<u8>(x + k);
  return sum;
}

// @ts-ignore: decorator
@inline
function low(full: v128, high: v128, offset: v128): v128 {
  return i32x4.sub(i32x4.sub(full, i32x4.shl(high, 8)), offset);
}
