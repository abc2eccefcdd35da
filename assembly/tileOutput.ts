/** What becomes of the accumulators of a register tile: rows of two vectors, eight columns. */
import { edge, storeEdge } from './edge';
import { bounded } from './float';
import {
  highOf,
  lowerOf,
  lowOf,
  Output,
  scaled,
  shiftOf,
  toFloat32,
  toInt32,
  toUint8,
  upperOf,
} from './output';
import { panelColumns } from './panel';
import { magicOf, requantizeRow } from './requantize';
import { floats } from './tile';

/**
 * Stores the first `rows` of the `ofTile` rows of a tile of `layout`, a constant, `columns` columns of each, from y
 * on, `yStep` bytes apart. Sums become what `output` names, floats are held within `lower` … `upper`.
 */
// @ts-ignore: decorator
@inline
export function storeTile(
  layout: i32,
  kind: i32,
  ofTile: i32,
  c00: v128,
  c01: v128,
  c10: v128,
  c11: v128,
  c20: v128,
  c21: v128,
  c30: v128,
  c31: v128,
  c40: v128,
  c41: v128,
  c50: v128,
  c51: v128,
  multiplier: usize,
  y: usize,
  yStep: usize,
  rows: i32,
  columns: i32,
  output: Output,
  lower: f32,
  upper: f32,
): void {
  const whole = rows == ofTile && columns == panelColumns;
  if (layout == floats) {
    const low = f32x4.splat(lower);
    const high = f32x4.splat(upper);
    c00 = bounded(c00, low, high);
    c01 = bounded(c01, low, high);
    c10 = bounded(c10, low, high);
    c11 = bounded(c11, low, high);
    c20 = bounded(c20, low, high);
    c21 = bounded(c21, low, high);
    c30 = bounded(c30, low, high);
    c31 = bounded(c31, low, high);
    c40 = bounded(c40, low, high);
    c41 = bounded(c41, low, high);
    c50 = bounded(c50, low, high);
    c51 = bounded(c51, low, high);
  } else if (kind != toInt32) {
    const m0 = v128.load(multiplier);
    const m1 = v128.load(multiplier, 16);
    if (kind == toUint8) {
      const low = lowOf(output);
      const high = highOf(output);
      const shift = shiftOf(output);
      const magic = magicOf();
      const r01 = i8x16.narrow_i16x8_u(
        requantizeRow(c00, c01, m0, m1, low, high, shift, magic),
        requantizeRow(c10, c11, m0, m1, low, high, shift, magic),
      );
      const r23 = i8x16.narrow_i16x8_u(
        requantizeRow(c20, c21, m0, m1, low, high, shift, magic),
        requantizeRow(c30, c31, m0, m1, low, high, shift, magic),
      );
      let r45 = r01;
      if (ofTile == 6) {
        r45 = i8x16.narrow_i16x8_u(
          requantizeRow(c40, c41, m0, m1, low, high, shift, magic),
          requantizeRow(c50, c51, m0, m1, low, high, shift, magic),
        );
      }
      if (whole) {
        v128.store64_lane(y, r01, 0);
        v128.store64_lane(y + yStep, r01, 1);
        v128.store64_lane(y + 2 * yStep, r23, 0);
        v128.store64_lane(y + 3 * yStep, r23, 1);
        if (ofTile == 6) {
          v128.store64_lane(y + 4 * yStep, r45, 0);
          v128.store64_lane(y + 5 * yStep, r45, 1);
        }
      } else {
        v128.store(edge, r01);
        v128.store(edge, r23, 16);
        if (ofTile == 6) v128.store(edge, r45, 32);
        storeEdge(edge, 8, y, yStep, rows, columns);
      }
      return;
    }
    const low = lowerOf(output);
    const high = upperOf(output);
    c00 = scaled(c00, m0, low, high);
    c01 = scaled(c01, m1, low, high);
    c10 = scaled(c10, m0, low, high);
    c11 = scaled(c11, m1, low, high);
    c20 = scaled(c20, m0, low, high);
    c21 = scaled(c21, m1, low, high);
    c30 = scaled(c30, m0, low, high);
    c31 = scaled(c31, m1, low, high);
    c40 = scaled(c40, m0, low, high);
    c41 = scaled(c41, m1, low, high);
    c50 = scaled(c50, m0, low, high);
    c51 = scaled(c51, m1, low, high);
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
  if (ofTile == 6) {
    v128.store(to + 4 * step, c40);
    v128.store(to + 4 * step, c41, 16);
    v128.store(to + 5 * step, c50);
    v128.store(to + 5 * step, c51, 16);
  }
  if (!whole) storeEdge(edge, 32, y, yStep, rows, 4 * columns);
}
