/**
 * Dot products of quantized rows with packed weights, docs of ./dot, by the relaxed dot product of
 * four bytes: tiles of quads, six rows of them, and panels of eight columns [units][8 columns][4] as
 * int8. Weights are the first operand. The host has made sure of what the engine computes
 * (src/backends/wasm/probe.ts), and that quads hold bytes of the sign that it takes.
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

/** Arguments are those of `dotPairs`. */
export function dotQuads(
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
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  const kind = output.kind;
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
    for (let k = units; k > 0; k--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let quad = v128.load32_splat(a);
      c00 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, quad, c00);
      c01 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, quad, c01);
      quad = v128.load32_splat(a, 4);
      c10 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, quad, c10);
      c11 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, quad, c11);
      quad = v128.load32_splat(a, 8);
      c20 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, quad, c20);
      c21 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, quad, c21);
      quad = v128.load32_splat(a, 12);
      c30 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, quad, c30);
      c31 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, quad, c31);
      quad = v128.load32_splat(a, 16);
      c40 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, quad, c40);
      c41 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, quad, c41);
      quad = v128.load32_splat(a, 20);
      c50 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, quad, c50);
      c51 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, quad, c51);
      a += 24;
      w += 32;
    }
    const whole = rows >= 6 && columns == panelColumns;
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
      const r4 = i16x8.narrow_i32x4_s(
        requantize(c40, m0, low, high, shift, magic),
        requantize(c41, m1, low, high, shift, magic),
      );
      const r5 = i16x8.narrow_i32x4_s(
        requantize(c50, m0, low, high, shift, magic),
        requantize(c51, m1, low, high, shift, magic),
      );
      const r01 = i8x16.narrow_i16x8_u(r0, r1);
      const r23 = i8x16.narrow_i16x8_u(r2, r3);
      const r45 = i8x16.narrow_i16x8_u(r4, r5);
      if (whole) {
        v128.store64_lane(y, r01, 0);
        v128.store64_lane(y + yStep, r01, 1);
        v128.store64_lane(y + 2 * yStep, r23, 0);
        v128.store64_lane(y + 3 * yStep, r23, 1);
        v128.store64_lane(y + 4 * yStep, r45, 0);
        v128.store64_lane(y + 5 * yStep, r45, 1);
      } else {
        v128.store(edge, r01);
        v128.store(edge, r23, 16);
        v128.store(edge, r45, 32);
        storeEdge(edge, 8, y, yStep, min(rows, 6), columns);
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
      c40 = scaled(c40, m0, lower, upper);
      c41 = scaled(c41, m1, lower, upper);
      c50 = scaled(c50, m0, lower, upper);
      c51 = scaled(c51, m1, lower, upper);
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
    v128.store(to + 4 * step, c40);
    v128.store(to + 4 * step, c41, 16);
    v128.store(to + 5 * step, c50);
    v128.store(to + 5 * step, c51, 16);
    if (!whole) storeEdge(edge, 32, y, yStep, min(rows, 6), 4 * columns);
  }
}
