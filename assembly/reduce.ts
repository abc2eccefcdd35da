/**
 * Sums, means, maxima and minima over axes that lie side by side: x is float32 [outer, count, inner], y [outer, inner]. They are kept in
 * double and rounded once.
 */
import { storeVector } from './edge';

/** Values of `kind`; else it is the minimum. */
const sum: i32 = 0;
const mean: i32 = 1;
const max: i32 = 2;

/** Results of a unit of `reduceColumns`. */
const unitColumns: i32 = 16;

// @ts-ignore: decorator
@inline
function fold(kind: i32, value: v128, x: v128): v128 {
  if (kind <= mean) return f64x2.add(value, x);
  return kind == max ? f64x2.max(value, x) : f64x2.min(value, x);
}

// @ts-ignore: decorator
@inline
function startOf(kind: i32): f64 {
  return kind <= mean ? 0 : kind == max ? -Infinity : Infinity;
}

// @ts-ignore: decorator
@inline
function lowOf(x: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(x));
}

/** y of the results `begin` … `end − 1`, for an `inner` of 1. */
export function reduceRows(
  x: usize,
  y: usize,
  count: i32,
  kind: i32,
  _scratch: usize,
  begin: i32,
  end: i32,
): void {
  if (kind <= mean) {
    rowsOf(sum, x, y, count, kind == mean ? count : 1, begin, end);
  } else if (kind == max) {
    rowsOf(max, x, y, count, 1, begin, end);
  } else {
    rowsOf(max + 1, x, y, count, 1, begin, end);
  }
}

// @ts-ignore: decorator
@inline
function rowsOf(
  kind: i32,
  x: usize,
  y: usize,
  count: i32,
  divisor: f64,
  begin: i32,
  end: i32,
): void {
  const rowBytes = <usize>count * 4;
  x += <usize>begin * rowBytes;
  for (let row = begin; row < end; row++) {
    let a = f64x2.splat(startOf(kind));
    let b = a;
    const behind = x + rowBytes;
    for (; x + 16 <= behind; x += 16) {
      a = fold(kind, a, lowOf(x));
      b = fold(kind, b, lowOf(x + 8));
    }
    a = fold(kind, a, b);
    a = fold(kind, a, i8x16.shuffle(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    for (; x < behind; x += 4) a = fold(kind, a, f64x2.splat(<f64>load<f32>(x)));
    store<f32>(y + 4 * <usize>row, <f32>(f64x2.extract_lane(a, 0) / divisor));
  }
}

/** y of the units `begin` … `end − 1`: the results of one place of `outer`, 16 at a time. */
export function reduceColumns(
  x: usize,
  y: usize,
  count: i32,
  inner: i32,
  kind: i32,
  _scratch: usize,
  begin: i32,
  end: i32,
): void {
  if (kind <= mean) {
    columnsOf(sum, x, y, count, inner, kind == mean ? count : 1, begin, end);
  } else if (kind == max) {
    columnsOf(max, x, y, count, inner, 1, begin, end);
  } else {
    columnsOf(max + 1, x, y, count, inner, 1, begin, end);
  }
}

// @ts-ignore: decorator
@inline
function columnsOf(
  kind: i32,
  x: usize,
  y: usize,
  count: i32,
  inner: i32,
  divisor: f64,
  begin: i32,
  end: i32,
): void {
  const units = (inner + unitColumns - 1) / unitColumns;
  const rowBytes = <usize>inner * 4;
  for (let unit = begin; unit < end; unit++) {
    const outer = <usize>(unit / units);
    const first = <usize>((unit % units) * unitColumns) * 4;
    const bytes = min(rowBytes - first, <usize>unitColumns * 4);
    const to = y + outer * rowBytes + first;
    for (let at: usize = 0; at < bytes; at += 16) {
      let low = f64x2.splat(startOf(kind));
      let high = low;
      let from = x + outer * <usize>count * rowBytes + first + at;
      for (let i = 0; i < count; i++, from += rowBytes) {
        low = fold(kind, low, lowOf(from));
        high = fold(kind, high, lowOf(from + 8));
      }
      const divisors = f64x2.splat(divisor);
      const lowest = f32x4.demote_f64x2_zero(f64x2.div(low, divisors));
      const highest = f32x4.demote_f64x2_zero(f64x2.div(high, divisors));
      const value = i8x16.shuffle(lowest, highest, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
      storeVector(to + at, value, bytes - at);
    }
  }
}
