/**
 * Dot products of one quantized row with packed weights, docs of ./row, by the relaxed dot product
 * of four bytes (docs of ./dot): panels of 32 columns, [depth / 4][32 columns][4] as int8.
 */
import { bytesOf, Output } from './output';
import { rowColumns } from './row';
import { storeRow } from './rowOutput';

/** `multiplyRow` on the row's bytes, whose bits in `flip` are inverted. */
export function multiplyRowQuads(
  output: Output,
  flip: i32,
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
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  const flips = i8x16.splat(<i8>flip);
  for (let k = 0; k < depth; k += 16) {
    v128.store(scratch + k, v128.xor(v128.load(x + k), flips));
  }
  const first = begin * rowColumns;
  weights += <usize>begin * (4 * rowColumns * ((<usize>depth + 3) >> 2));
  bias += 4 * <usize>first;
  multiplier += 4 * <usize>first;
  y += <usize>first * bytesOf(output.kind);
  columns = min(columns, end * rowColumns) - first;
  for (; columns > 0; columns -= rowColumns) {
    let c0 = v128.load(bias);
    let c1 = v128.load(bias, 16);
    let c2 = v128.load(bias, 32);
    let c3 = v128.load(bias, 48);
    let c4 = v128.load(bias, 64);
    let c5 = v128.load(bias, 80);
    let c6 = v128.load(bias, 96);
    let c7 = v128.load(bias, 112);
    let a = scratch;
    for (let k = depth; k > 0; k -= 4, a += 4, weights += 128) {
      const quad = v128.load32_splat(a);
      c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), quad, c0);
      c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 16), quad, c1);
      c2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 32), quad, c2);
      c3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 48), quad, c3);
      c4 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 64), quad, c4);
      c5 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 80), quad, c5);
      c6 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 96), quad, c6);
      c7 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 112), quad, c7);
    }
    y = storeRow(c0, c1, c2, c3, c4, c5, c6, c7, multiplier, y, columns, output);
    bias += 4 * rowColumns;
    multiplier += 4 * rowColumns;
  }
}
