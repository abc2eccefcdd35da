/**
 * Dot products of quantized rows with packed weights: the kernel under convolution and matrix
 * product.
 *
 *   acc[r][c] = bias[c] + Σ_k a[r][k] · w[k][c]
 *
 * Rows come as tiles of pairs (./tile), weights as a panel of eight columns, [units][8 columns][2]
 * as int16, 0 where a row of the tile is filled up. a is a byte and w, less its zero point, lies in
 * −255 … 255, so the sum of two products is exact, and an accumulator is that of the reference
 * modulo 2³². A register tile of four rows × eight columns stays in registers over the whole depth.
 *
 * Every accumulator starts from a load of its own: compilers make a chain of the ones that share a
 * value.
 */
import { edge, storeEdge } from './edge';
import {
  highOf,
  lowerOf,
  lowOf,
  Output,
  scaled,
  shiftOf,
  toFloat32,
  toUint8,
  upperOf,
} from './output';
import { panelColumns } from './panel';
import { magicOf, requantize } from './requantize';

/**
 * Multiplies `rows` rows by one panel, and stores the results in `columns` columns from `y`, rows
 * `yStep` bytes apart. Tiles are `tileStep` bytes apart. `bias` and `multiplier` have eight
 * elements.
 */
export function dotPairs(
  tiles: usize,
  tileStep: usize,
  units: i32,
  rows: i32,
  panel: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  yStep: usize,
  columns: i32,
  output: Output,
): void {
  const kind = output.kind;
  for (; rows > 0; rows -= 4, tiles += tileStep, y += 4 * yStep) {
    let a = tiles;
    let w = panel;
    let c00 = v128.load(bias);
    let c01 = v128.load(bias, 16);
    let c10 = v128.load(bias);
    let c11 = v128.load(bias, 16);
    let c20 = v128.load(bias);
    let c21 = v128.load(bias, 16);
    let c30 = v128.load(bias);
    let c31 = v128.load(bias, 16);
    for (let k = units; k > 0; k--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let pair = v128.load32_splat(a);
      c00 = i32x4.add(c00, i32x4.dot_i16x8_s(pair, w0));
      c01 = i32x4.add(c01, i32x4.dot_i16x8_s(pair, w1));
      pair = v128.load32_splat(a, 4);
      c10 = i32x4.add(c10, i32x4.dot_i16x8_s(pair, w0));
      c11 = i32x4.add(c11, i32x4.dot_i16x8_s(pair, w1));
      pair = v128.load32_splat(a, 8);
      c20 = i32x4.add(c20, i32x4.dot_i16x8_s(pair, w0));
      c21 = i32x4.add(c21, i32x4.dot_i16x8_s(pair, w1));
      pair = v128.load32_splat(a, 12);
      c30 = i32x4.add(c30, i32x4.dot_i16x8_s(pair, w0));
      c31 = i32x4.add(c31, i32x4.dot_i16x8_s(pair, w1));
      a += 16;
      w += 32;
    }
    const whole = rows >= 4 && columns == panelColumns;
    const m0 = v128.load(multiplier);
    const m1 = v128.load(multiplier, 16);
    if (kind == toUint8) {
      const low = lowOf(output);
      const high = highOf(output);
      const shift = shiftOf(output);
      const magic = magicOf();
      const r0 = i16x8.narrow_i32x4_s(
        requantize(c00, m0, low, high, shift, magic),
        requantize(c01, m1, low, high, shift, magic),
      );
      const r1 = i16x8.narrow_i32x4_s(
        requantize(c10, m0, low, high, shift, magic),
        requantize(c11, m1, low, high, shift, magic),
      );
      const r2 = i16x8.narrow_i32x4_s(
        requantize(c20, m0, low, high, shift, magic),
        requantize(c21, m1, low, high, shift, magic),
      );
      const r3 = i16x8.narrow_i32x4_s(
        requantize(c30, m0, low, high, shift, magic),
        requantize(c31, m1, low, high, shift, magic),
      );
      const r01 = i8x16.narrow_i16x8_u(r0, r1);
      const r23 = i8x16.narrow_i16x8_u(r2, r3);
      if (whole) {
        v128.store64_lane(y, r01, 0);
        v128.store64_lane(y + yStep, r01, 1);
        v128.store64_lane(y + 2 * yStep, r23, 0);
        v128.store64_lane(y + 3 * yStep, r23, 1);
      } else {
        v128.store(edge, r01);
        v128.store(edge, r23, 16);
        storeEdge(edge, 8, y, yStep, min(rows, 4), columns);
      }
      continue;
    }
    if (kind == toFloat32) {
      const lower = lowerOf(output);
      const upper = upperOf(output);
      c00 = scaled(c00, m0, lower, upper);
      c01 = scaled(c01, m1, lower, upper);
      c10 = scaled(c10, m0, lower, upper);
      c11 = scaled(c11, m1, lower, upper);
      c20 = scaled(c20, m0, lower, upper);
      c21 = scaled(c21, m1, lower, upper);
      c30 = scaled(c30, m0, lower, upper);
      c31 = scaled(c31, m1, lower, upper);
    }
    const to = whole ? y : edge;
    const step = whole ? yStep : 32;
    v128.store(to, c00);
    v128.store(to, c01, 16);
    v128.store(to + step, c10);
    v128.store(to + step, c11, 16);
    v128.store(to + 2 * step, c20);
    v128.store(to + 2 * step, c21, 16);
    v128.store(to + 3 * step, c30);
    v128.store(to + 3 * step, c31, 16);
    if (!whole) storeEdge(edge, 32, y, yStep, min(rows, 4), 4 * columns);
  }
}
