/** Outputs of ./winograd: Aᵀ p A / 4 of the products p of a tile, and what becomes of such sums. */
import { copyEdge, edge } from './edge';
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
import { magicOf, requantizeRow } from './requantize';

/** Writes eight columns of the four pixels of a tile to `edge`, one after the other. */
// @ts-ignore: decorator
@inline
export function finishTile(
  products: usize,
  step: usize,
  bias: usize,
  multiplier: usize,
  output: Output,
): void {
  sumTile(products, step, v128.load(bias), edge);
  sumTile(products + 16, step, v128.load(bias, 16), edge + 16);
  const kind = output.kind;
  const m0 = v128.load(multiplier);
  const m1 = v128.load(multiplier, 16);
  if (kind == toUint8) {
    const low = lowOf(output);
    const high = highOf(output);
    const shift = shiftOf(output);
    const magic = magicOf();
    const r0 = requantizePixel(0, m0, m1, low, high, shift, magic);
    const r1 = requantizePixel(1, m0, m1, low, high, shift, magic);
    const r2 = requantizePixel(2, m0, m1, low, high, shift, magic);
    const r3 = requantizePixel(3, m0, m1, low, high, shift, magic);
    v128.store(edge, i8x16.narrow_i16x8_u(r0, r1));
    v128.store(edge, i8x16.narrow_i16x8_u(r2, r3), 16);
  } else if (kind == toFloat32) {
    const lower = lowerOf(output);
    const upper = upperOf(output);
    for (let at = edge; at < edge + 16 * panelColumns; at += 4 * panelColumns) {
      v128.store(at, scaled(v128.load(at), m0, lower, upper));
      v128.store(at, scaled(v128.load(at, 16), m1, lower, upper), 16);
    }
  }
}

/** The accumulators of a pixel that lie in `edge`, as int16. */
// @ts-ignore: decorator
@inline
function requantizePixel(
  pixel: usize,
  m0: v128,
  m1: v128,
  low: v128,
  high: v128,
  shift: v128,
  magic: v128,
): v128 {
  const at = edge + 32 * pixel;
  return requantizeRow(v128.load(at), v128.load(at, 16), m0, m1, low, high, shift, magic);
}

/** The accumulators of four columns of the four pixels of a tile, 32 bytes apart. */
// @ts-ignore: decorator
@inline
function sumTile(products: usize, step: usize, bias: v128, to: usize): void {
  const b0 = v128.load(products + 4 * step);
  const c0 = v128.load(products + 8 * step);
  const b1 = v128.load(products + 5 * step);
  const c1 = v128.load(products + 9 * step);
  const b2 = v128.load(products + 6 * step);
  const c2 = v128.load(products + 10 * step);
  const b3 = v128.load(products + 7 * step);
  const c3 = v128.load(products + 11 * step);
  storeSums(
    i32x4.add(v128.load(products), i32x4.add(b0, c0)),
    i32x4.add(v128.load(products + step), i32x4.add(b1, c1)),
    i32x4.add(v128.load(products + 2 * step), i32x4.add(b2, c2)),
    i32x4.add(v128.load(products + 3 * step), i32x4.add(b3, c3)),
    bias,
    to,
  );
  storeSums(
    i32x4.sub(i32x4.sub(b0, c0), v128.load(products + 12 * step)),
    i32x4.sub(i32x4.sub(b1, c1), v128.load(products + 13 * step)),
    i32x4.sub(i32x4.sub(b2, c2), v128.load(products + 14 * step)),
    i32x4.sub(i32x4.sub(b3, c3), v128.load(products + 15 * step)),
    bias,
    to + 64,
  );
}

/** Two pixels of a row, from that row of Aᵀ times products. */
// @ts-ignore: decorator
@inline
function storeSums(s0: v128, s1: v128, s2: v128, s3: v128, bias: v128, to: usize): void {
  const left = i32x4.add(s0, i32x4.add(s1, s2));
  const right = i32x4.sub(s1, i32x4.add(s2, s3));
  v128.store(to, i32x4.add(i32x4.shr_s(left, 2), bias));
  v128.store(to, i32x4.add(i32x4.shr_s(right, 2), bias), 32);
}

/** Stores `columns` of eight elements of `size` bytes. */
// @ts-ignore: decorator
@inline
export function storePixel(from: usize, to: usize, columns: i32, size: usize): void {
  if (columns < panelColumns) {
    copyEdge(to, from, columns * <i32>size);
  } else if (size == 1) {
    store<u64>(to, load<u64>(from));
  } else {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}
