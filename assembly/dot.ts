/**
 * Dot products of quantized rows with packed weights: the kernel under convolution and matrix
 * product.
 *
 *   acc[r][c] = bias[c] + Σ_k a[r][k] · w[k][c]
 *
 * Rows come as tiles (./tile), weights as a panel of eight columns, [k / 2][8 columns][2] as int16,
 * 0 where k is odd and ends. Both have had their zero points taken off: a lies in −255 … 255 and w
 * in −255 … 255, so the sum of two products is exact, and an accumulator is that of the reference
 * modulo 2³². A register tile of four rows × eight columns stays in registers over the whole depth.
 *
 * Every accumulator starts from a load of its own: compilers make a chain of the ones that share a
 * value.
 */
import { copyEdge, edge } from './edge';
import { Output, scaled, toFloat32, toUint8 } from './output';
import { boundOf, requantize, shiftOf } from './requantize';

/** Columns of a panel. */
export const panelColumns: i32 = 8;

/** Copies rows of `bytes` bytes, from `step` bytes apart to `yStep` bytes apart. */
function storeEdge(from: usize, step: usize, y: usize, yStep: usize, rows: i32, bytes: i32): void {
  for (let row = 0; row < rows; row++, from += step, y += yStep) copyEdge(y, from, bytes);
}

/**
 * Multiplies `rows` rows by one panel, and stores the results in `columns` columns from `y`, rows
 * `yStep` bytes apart. `pairs` is k / 2, rounded up; tiles are `tileStep` bytes apart. `bias` and
 * `multiplier` have eight elements.
 */
export function dotPanel(
  tiles: usize,
  tileStep: usize,
  pairs: i32,
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
  const low = boundOf(output.min, output.zero);
  const high = boundOf(output.max, output.zero);
  const shift = shiftOf(output.zero);
  const lower = f32x4.splat(output.lower);
  const upper = f32x4.splat(output.upper);
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
    for (let k = pairs; k > 0; k--) {
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
      const r0 = i16x8.narrow_i32x4_s(
        requantize(c00, m0, low, high, shift),
        requantize(c01, m1, low, high, shift),
      );
      const r1 = i16x8.narrow_i32x4_s(
        requantize(c10, m0, low, high, shift),
        requantize(c11, m1, low, high, shift),
      );
      const r2 = i16x8.narrow_i32x4_s(
        requantize(c20, m0, low, high, shift),
        requantize(c21, m1, low, high, shift),
      );
      const r3 = i16x8.narrow_i32x4_s(
        requantize(c30, m0, low, high, shift),
        requantize(c31, m1, low, high, shift),
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
