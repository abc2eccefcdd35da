/**
 * Dot products of rows with packed weights: the kernel under convolution and matrix product.
 *
 *   acc[r][c] = bias[c] + Σ_k a[r][k] · w[k][c]
 *
 * Rows come as tiles (./tile), weights as a panel of eight columns, 0 where a row of the tile is filled
 * up. A register tile of four or six rows × eight columns stays in registers over the whole depth.
 * Layouts are one template:
 *
 * - Pairs of int16 meet panels [units][8 columns][2] as int16. Where a is a byte and w, less its zero
 *   point, lies in −255 … 255, the sum of two products is exact, and an accumulator is that of the
 *   reference modulo 2³². Who has wider operands sees to it that no sum leaves int32.
 * - Quads of bytes meet panels [units][8 columns][4] as int8 in the relaxed dot product, weights being
 *   its first operand. The host has made sure of what the engine computes
 *   (src/backends/wasm/probe.ts), and that quads hold bytes of the sign that it takes.
 * - Signed quads meet such panels of weights in 0 … 127. They are the first operand and weights the
 *   second, whose sign then makes no difference.
 * - Floats meet panels [units][8 columns]. Sums are in order of k, rounded once a step where the engine
 *   has a relaxed multiplication and addition that does; it takes no register for the product.
 *
 * Every accumulator starts from a load of its own: compilers make a chain of the ones that share a
 * value.
 */
import { Output, toFloat32, toInt32 } from './output';
import { panelColumns } from './panel';
import { floats, pairs, quads, signedQuads, tileRows } from './tile';
import { storeTile } from './tileOutput';

/** Adds the products of a unit of one row with those of four columns. */
// @ts-ignore: decorator
@inline
function addProducts(layout: i32, unit: v128, w: v128, acc: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (layout == quads) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, unit, acc);
    if (layout == signedQuads) return i32x4.relaxed_dot_i8x16_i7x16_add_s(unit, w, acc);
    if (layout == floats) return f32x4.relaxed_madd(unit, w, acc);
  }
  if (layout == floats) return f32x4.add(acc, f32x4.mul(unit, w));
  return i32x4.add(acc, i32x4.dot_i16x8_s(unit, w));
}

/** The template; `layout` is a constant. Float rows take `lower` and `upper`, and the others `output`. */
// @ts-ignore: decorator
@inline
function multiplyTiles(
  layout: i32,
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
  lower: f32,
  upper: f32,
): void {
  const ofTile = tileRows(layout);
  const kind = layout == floats ? toFloat32 : layout == signedQuads ? toInt32 : output.kind;
  for (; rows > 0; rows -= ofTile, tiles += tileStep, y += <usize>ofTile * yStep) {
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
    let c40 = c00;
    let c41 = c01;
    let c50 = c00;
    let c51 = c01;
    if (ofTile == 6) {
      c40 = v128.load(bias);
      c41 = v128.load(bias, 16);
      c50 = v128.load(bias);
      c51 = v128.load(bias, 16);
    }
    for (let k = units; k > 0; k--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let unit = v128.load32_splat(a);
      c00 = addProducts(layout, unit, w0, c00);
      c01 = addProducts(layout, unit, w1, c01);
      unit = v128.load32_splat(a, 4);
      c10 = addProducts(layout, unit, w0, c10);
      c11 = addProducts(layout, unit, w1, c11);
      unit = v128.load32_splat(a, 8);
      c20 = addProducts(layout, unit, w0, c20);
      c21 = addProducts(layout, unit, w1, c21);
      unit = v128.load32_splat(a, 12);
      c30 = addProducts(layout, unit, w0, c30);
      c31 = addProducts(layout, unit, w1, c31);
      if (ofTile == 6) {
        unit = v128.load32_splat(a, 16);
        c40 = addProducts(layout, unit, w0, c40);
        c41 = addProducts(layout, unit, w1, c41);
        unit = v128.load32_splat(a, 20);
        c50 = addProducts(layout, unit, w0, c50);
        c51 = addProducts(layout, unit, w1, c51);
      }
      a += 4 * ofTile;
      w += 32;
    }
    storeTile(
      layout, kind, ofTile, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51,
      multiplier, y, yStep, min(rows, ofTile), columns, output, lower, upper,
    );
  }
}

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
  multiplyTiles(
    pairs, tiles, tileStep, units, rows, panel, bias, multiplier, y, yStep, columns, output, 0, 0,
  );
}

/** `dotPairs` on quads. With relaxed SIMD only; without, it does nothing. */
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
  multiplyTiles(
    quads, tiles, tileStep, units, rows, panel, bias, multiplier, y, yStep, columns, output, 0, 0,
  );
}

/** int32 results of eight columns of signed quads; with relaxed SIMD only. */
export function dotSignedQuads(
  tiles: usize,
  tileStep: usize,
  units: i32,
  rows: i32,
  panel: usize,
  bias: usize,
  y: usize,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  multiplyTiles(
    signedQuads, tiles, tileStep, units, rows, panel, bias, 0, y, 32, panelColumns, changetype<Output>(0), 0, 0,
  );
}

/** `dotPairs` on floats: y is clamp(acc, lower, upper). */
export function dotFloats(
  tiles: usize,
  tileStep: usize,
  units: i32,
  rows: i32,
  panel: usize,
  bias: usize,
  y: usize,
  yStep: usize,
  columns: i32,
  lower: f32,
  upper: f32,
): void {
  multiplyTiles(
    floats, tiles, tileStep, units, rows, panel, bias, 0, y, yStep, columns, changetype<Output>(0), lower, upper,
  );
}
