/**
 * Dot products of float32 rows with packed weights, docs of ./dot: tiles of floats (./tile), panels
 * of eight columns [k][8 columns]; sums in order of k, from the bias on.
 */
import { edge, storeEdge } from './edge';
import { bounded } from './float';
import { panelColumns } from './panel';
import { dotSixRows } from './relaxedF32dot';

/**
 * Multiplies `rows` rows by one panel, and stores clamp(acc, lower, upper) in `columns` columns
 * from `y`, rows `yStep` bytes apart. `bias` has eight elements; tiles are `tileStep` bytes apart.
 */
export function dotFloats(
  tiles: usize,
  tileStep: usize,
  depth: i32,
  rows: i32,
  panel: usize,
  bias: usize,
  y: usize,
  yStep: usize,
  columns: i32,
  lower: f32,
  upper: f32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    dotSixRows(tiles, tileStep, depth, rows, panel, bias, y, yStep, columns, lower, upper);
  } else {
    dotFourRows(tiles, tileStep, depth, rows, panel, bias, y, yStep, columns, lower, upper);
  }
}

function dotFourRows(
  tiles: usize,
  tileStep: usize,
  depth: i32,
  rows: i32,
  panel: usize,
  bias: usize,
  y: usize,
  yStep: usize,
  columns: i32,
  lower: f32,
  upper: f32,
): void {
  const low = f32x4.splat(lower);
  const high = f32x4.splat(upper);
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
    for (let k = depth; k > 0; k--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let value = v128.load32_splat(a);
      c00 = f32x4.add(c00, f32x4.mul(value, w0));
      c01 = f32x4.add(c01, f32x4.mul(value, w1));
      value = v128.load32_splat(a, 4);
      c10 = f32x4.add(c10, f32x4.mul(value, w0));
      c11 = f32x4.add(c11, f32x4.mul(value, w1));
      value = v128.load32_splat(a, 8);
      c20 = f32x4.add(c20, f32x4.mul(value, w0));
      c21 = f32x4.add(c21, f32x4.mul(value, w1));
      value = v128.load32_splat(a, 12);
      c30 = f32x4.add(c30, f32x4.mul(value, w0));
      c31 = f32x4.add(c31, f32x4.mul(value, w1));
      a += 16;
      w += 32;
    }
    const whole = rows >= 4 && columns == panelColumns;
    const to = whole ? y : edge;
    const step = whole ? yStep : 32;
    v128.store(to, bounded(c00, low, high));
    v128.store(to, bounded(c01, low, high), 16);
    v128.store(to + step, bounded(c10, low, high));
    v128.store(to + step, bounded(c11, low, high), 16);
    v128.store(to + 2 * step, bounded(c20, low, high));
    v128.store(to + 2 * step, bounded(c21, low, high), 16);
    v128.store(to + 3 * step, bounded(c30, low, high));
    v128.store(to + 3 * step, bounded(c31, low, high), 16);
    if (!whole) storeEdge(edge, 32, y, yStep, min(rows, 4), 4 * columns);
  }
}
