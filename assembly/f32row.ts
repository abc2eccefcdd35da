/**
 * Dot products of one float32 row with packed weights: a matrix times a vector. Four panels (docs of
 * ./dot) are read at a time, so that there are sums enough to hide what an addition takes.
 */
import { copyEdge, edge } from './edge';
import { bounded, multiplyAdd } from './float';
import { panelColumns } from './panel';

/** y [columns] = clamp(x [depth] · panels + bias); `bias` has a whole number of panels. */
export function multiplyFloatRow(
  x: usize,
  panels: usize,
  depth: i32,
  columns: i32,
  bias: usize,
  y: usize,
  lower: f32,
  upper: f32,
): void {
  const low = f32x4.splat(lower);
  const high = f32x4.splat(upper);
  const step = <usize>depth * 4 * panelColumns;
  const end = x + 4 * <usize>depth;
  for (; columns > 3 * panelColumns; columns -= 4 * panelColumns, panels += 4 * step) {
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    let c4 = v128.load(bias, 64);
    let c5 = v128.load(bias, 80);
    let c6 = v128.load(bias, 96);
    let c7 = v128.load(bias, 112);
    let p0 = panels;
    let p1 = panels + step;
    let p2 = panels + 2 * step;
    let p3 = panels + 3 * step;
    for (let a = x; a < end; a += 4) {
      const value = v128.load32_splat(a);
      c0 = multiplyAdd(value, v128.load(p0), c0);
      c1 = multiplyAdd(value, v128.load(p0, 16), c1);
      c2 = multiplyAdd(value, v128.load(p1), c2);
      c3 = multiplyAdd(value, v128.load(p1, 16), c3);
      c4 = multiplyAdd(value, v128.load(p2), c4);
      c5 = multiplyAdd(value, v128.load(p2, 16), c5);
      c6 = multiplyAdd(value, v128.load(p3), c6);
      c7 = multiplyAdd(value, v128.load(p3, 16), c7);
      p0 += 32;
      p1 += 32;
      p2 += 32;
      p3 += 32;
    }
    const whole = columns >= 4 * panelColumns;
    const to = whole ? y : edge;
    v128.store(to, bounded(c0, low, high));
    v128.store(to, bounded(c1, low, high), 16);
    v128.store(to, bounded(c2, low, high), 32);
    v128.store(to, bounded(c3, low, high), 48);
    v128.store(to, bounded(c4, low, high), 64);
    v128.store(to, bounded(c5, low, high), 80);
    v128.store(to, bounded(c6, low, high), 96);
    v128.store(to, bounded(c7, low, high), 112);
    if (!whole) copyEdge(y, edge, 4 * columns);
    y += 16 * panelColumns;
    bias += 16 * panelColumns;
  }
  for (; columns > 0; columns -= panelColumns, panels += step) {
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let p = panels;
    for (let a = x; a < end; a += 4, p += 32) {
      const value = v128.load32_splat(a);
      c0 = multiplyAdd(value, v128.load(p), c0);
      c1 = multiplyAdd(value, v128.load(p, 16), c1);
    }
    const whole = columns >= panelColumns;
    const to = whole ? y : edge;
    v128.store(to, bounded(c0, low, high));
    v128.store(to, bounded(c1, low, high), 16);
    if (!whole) copyEdge(y, edge, 4 * columns);
    y += 4 * panelColumns;
    bias += 4 * panelColumns;
  }
}
