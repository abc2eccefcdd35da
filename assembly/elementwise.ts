/**
 * Sums and products of two uint8 tensors that broadcast, 16 elements at a time. The host folds the
 * axes until a `Rows` is left: rows of which each operand either goes along or repeats one element.
 */
import { copyEdge, edge } from './edge';
import { narrowToBytes } from './output';
import { boundOf, magicOf, roundTo, shiftOf } from './requantize';
import { Rows } from './rows';

/** Fields of 32 bits, which the host writes. */
@unmanaged
export class Sum {
  aZero: i32;
  bZero: i32;
  yZero: i32;
  aMultiplier: f32;
  bMultiplier: f32;
  min: i32;
  max: i32;
}

/** Fields of 32 bits, which the host writes. */
@unmanaged
export class Product {
  aZero: i32;
  bZero: i32;
  yZero: i32;
  multiplier: f32;
  min: i32;
  max: i32;
}

/** Four uint8 of `bytes`, less `zero`, as float32. */
// @ts-ignore: decorator
@inline
function quarter(bytes: v128, index: i32, zero: v128): v128 {
  const half = index < 2 ? i16x8.extend_low_i8x16_u(bytes) : i16x8.extend_high_i8x16_u(bytes);
  const words = index % 2 == 0 ? i32x4.extend_low_i16x8_s(half) : i32x4.extend_high_i16x8_s(half);
  return f32x4.convert_i32x4_s(i32x4.sub(words, zero));
}

/** y = clamp(rne(f32(f32((a − aZero) · aMultiplier) + f32((b − bZero) · bMultiplier))) + yZero). */
export function qadd(sum: Sum, rows: Rows, a: usize, b: usize, y: usize): void {
  for (let row = rows.count; row > 0; row--, a += rows.aRow, b += rows.bRow, y += rows.columns) {
    addRow(sum, a, b, y, rows.columns, rows.aStep, rows.bStep);
  }
}

/** One row of it; y may be a or b. A step is 0 where the operand repeats one element. */
export function addRow(
  sum: Sum,
  a: usize,
  b: usize,
  y: usize,
  columns: i32,
  aStep: i32,
  bStep: i32,
): void {
  const aZero = i32x4.splat(sum.aZero);
  const bZero = i32x4.splat(sum.bZero);
  const aMultiplier = f32x4.splat(sum.aMultiplier);
  const bMultiplier = f32x4.splat(sum.bMultiplier);
  const low = boundOf(sum.min, sum.yZero);
  const high = boundOf(sum.max, sum.yZero);
  const shift = shiftOf(sum.yZero);
  const magic = magicOf();
  for (let i = 0; i < columns; i += 16) {
    const as = aStep ? v128.load(a + i) : v128.load8_splat(a);
    const bs = bStep ? v128.load(b + i) : v128.load8_splat(b);
    const s0 = f32x4.add(
      f32x4.mul(quarter(as, 0, aZero), aMultiplier),
      f32x4.mul(quarter(bs, 0, bZero), bMultiplier),
    );
    const s1 = f32x4.add(
      f32x4.mul(quarter(as, 1, aZero), aMultiplier),
      f32x4.mul(quarter(bs, 1, bZero), bMultiplier),
    );
    const s2 = f32x4.add(
      f32x4.mul(quarter(as, 2, aZero), aMultiplier),
      f32x4.mul(quarter(bs, 2, bZero), bMultiplier),
    );
    const s3 = f32x4.add(
      f32x4.mul(quarter(as, 3, aZero), aMultiplier),
      f32x4.mul(quarter(bs, 3, bZero), bMultiplier),
    );
    const bytes = narrowToBytes(
      roundTo(s0, low, high, shift, magic),
      roundTo(s1, low, high, shift, magic),
      roundTo(s2, low, high, shift, magic),
      roundTo(s3, low, high, shift, magic),
    );
    if (i + 16 <= columns) {
      v128.store(y + i, bytes);
    } else {
      v128.store(edge, bytes);
      copyEdge(y + i, edge, columns - i);
    }
  }
}

/** y = clamp(rne(f32((a − aZero)(b − bZero)) · multiplier) + yZero). */
export function qmul(product: Product, rows: Rows, a: usize, b: usize, y: usize): void {
  const aZero = i32x4.splat(product.aZero);
  const bZero = i32x4.splat(product.bZero);
  const multiplier = f32x4.splat(product.multiplier);
  const low = boundOf(product.min, product.yZero);
  const high = boundOf(product.max, product.yZero);
  const shift = shiftOf(product.yZero);
  const magic = magicOf();
  for (let row = rows.count; row > 0; row--, a += rows.aRow, b += rows.bRow, y += rows.columns) {
    for (let i = 0; i < rows.columns; i += 16) {
      const as = rows.aStep ? v128.load(a + i) : v128.load8_splat(a);
      const bs = rows.bStep ? v128.load(b + i) : v128.load8_splat(b);
      // products of two such differences are exact in float32
      const p0 = f32x4.mul(quarter(as, 0, aZero), quarter(bs, 0, bZero));
      const p1 = f32x4.mul(quarter(as, 1, aZero), quarter(bs, 1, bZero));
      const p2 = f32x4.mul(quarter(as, 2, aZero), quarter(bs, 2, bZero));
      const p3 = f32x4.mul(quarter(as, 3, aZero), quarter(bs, 3, bZero));
      const bytes = narrowToBytes(
        roundTo(f32x4.mul(p0, multiplier), low, high, shift, magic),
        roundTo(f32x4.mul(p1, multiplier), low, high, shift, magic),
        roundTo(f32x4.mul(p2, multiplier), low, high, shift, magic),
        roundTo(f32x4.mul(p3, multiplier), low, high, shift, magic),
      );
      if (i + 16 <= rows.columns) {
        v128.store(y + i, bytes);
      } else {
        v128.store(edge, bytes);
        copyEdge(y + i, edge, rows.columns - i);
      }
    }
  }
}
