/**
 * Dot products of float32 rows with packed weights, docs of ./f32dot, by the relaxed multiplication
 * and addition: rounded once where the engine can. Without a register for the product, a tile has
 * six rows.
 */
import { edge, storeEdge } from './edge';
import { bounded } from './float';
import { panelColumns } from './panel';

/** Arguments are those of `dotFloats`. */
export function dotSixRows(
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
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  const low = f32x4.splat(lower);
  const high = f32x4.splat(upper);
  for (; rows > 0; rows -= 6, tiles += tileStep, y += 6 * yStep) {
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
    let c40 = v128.load(bias);
    let c41 = v128.load(bias, 16);
    let c50 = v128.load(bias);
    let c51 = v128.load(bias, 16);
    for (let k = depth; k > 0; k--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let value = v128.load32_splat(a);
      c00 = f32x4.relaxed_madd(value, w0, c00);
      c01 = f32x4.relaxed_madd(value, w1, c01);
      value = v128.load32_splat(a, 4);
      c10 = f32x4.relaxed_madd(value, w0, c10);
      c11 = f32x4.relaxed_madd(value, w1, c11);
      value = v128.load32_splat(a, 8);
      c20 = f32x4.relaxed_madd(value, w0, c20);
      c21 = f32x4.relaxed_madd(value, w1, c21);
      value = v128.load32_splat(a, 12);
      c30 = f32x4.relaxed_madd(value, w0, c30);
      c31 = f32x4.relaxed_madd(value, w1, c31);
      value = v128.load32_splat(a, 16);
      c40 = f32x4.relaxed_madd(value, w0, c40);
      c41 = f32x4.relaxed_madd(value, w1, c41);
      value = v128.load32_splat(a, 20);
      c50 = f32x4.relaxed_madd(value, w0, c50);
      c51 = f32x4.relaxed_madd(value, w1, c51);
      a += 24;
      w += 32;
    }
    const whole = rows >= 6 && columns == panelColumns;
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
    v128.store(to + 4 * step, bounded(c40, low, high));
    v128.store(to + 4 * step, bounded(c41, low, high), 16);
    v128.store(to + 5 * step, bounded(c50, low, high));
    v128.store(to + 5 * step, bounded(c51, low, high), 16);
    if (!whole) storeEdge(edge, 32, y, yStep, min(rows, 6), 4 * columns);
  }
}
