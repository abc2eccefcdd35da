/**
 * Products of rows and columns of ±1, one bit each: depth − 2 · popcount(x xor w). Bits that differ are
 * counted in bytes, each of which takes the bits of 31 words before it is full.
 */
import { copyEdge, edge } from './edge';

/** Columns of a panel, which is [word][column]. */
export const bitPanelColumns: i32 = 8;

/** Rows of a register tile. */
const tileRows: i32 = 4;

/** Words that a counter of bytes takes. */
const mostWords: i32 = 31;

/** Copies `rows` rows of `depth` bits to whole words; the bits that fill up a row's last word are 0. */
export function packBits(bits: usize, rows: i32, depth: i32, to: usize): void {
  const words = (depth + 31) >> 5;
  const rest = depth & 31;
  const mask: u32 = rest == 0 ? 0xffffffff : ((<u32>1) << rest) - 1;
  let first: u64 = 0;
  for (let row = 0; row < rows; row++, first += depth) {
    for (let word = 0; word < words; word++, to += 4) {
      const bit = first + ((<u64>word) << 5);
      const value = <u32>(load<u64>(bits + <usize>(bit >> 3)) >> (bit & 7));
      store<u32>(to, word == words - 1 ? value & mask : value);
    }
  }
}

/** Adds the bytes of each word of `counts` to those of `sums`. */
// @ts-ignore: decorator
@inline
function addBytes(sums: v128, counts: v128): v128 {
  return i32x4.add(
    sums,
    i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts)),
  );
}

// @ts-ignore: decorator
@inline
function count(counts: v128, a: v128, b: v128): v128 {
  return i8x16.add(counts, i8x16.popcnt(v128.xor(a, b)));
}

/** depth − 2 · counts, multiplied by `multiplier` and with `bias` added where there are such. */
// @ts-ignore: decorator
@inline
function result(counts: v128, depth: v128, multiplier: usize, bias: usize): v128 {
  const acc = i32x4.sub(depth, i32x4.shl(counts, 1));
  if (multiplier == 0) return acc;
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(acc), v128.load(multiplier));
  return bias == 0 ? scaled : f32x4.add(scaled, v128.load(bias));
}

/**
 * Multiplies `rows` rows by one panel and stores `columns` columns from `y`, rows `yStep` bytes apart.
 * `multiplier` and `bias` have eight elements, or are 0: y is int32 without a multiplier.
 */
function multiplyPanel(
  x: usize,
  rows: i32,
  words: i32,
  depth: i32,
  panel: usize,
  multiplier: usize,
  bias: usize,
  y: usize,
  yStep: usize,
  columns: i32,
): void {
  const depths = i32x4.splat(depth);
  const step = 4 * <usize>words;
  for (; rows > 0; rows -= tileRows, x += tileRows * step, y += tileRows * yStep) {
    // Rows that are none repeat the first.
    const a1 = rows > 1 ? x + step : x;
    const a2 = rows > 2 ? x + 2 * step : x;
    const a3 = rows > 3 ? x + 3 * step : x;
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    let w = panel;
    let at: usize = 0;
    for (let left = words; left > 0; left -= mostWords) {
      let c00 = i32x4.splat(0);
      let c01 = i32x4.splat(0);
      let c10 = i32x4.splat(0);
      let c11 = i32x4.splat(0);
      let c20 = i32x4.splat(0);
      let c21 = i32x4.splat(0);
      let c30 = i32x4.splat(0);
      let c31 = i32x4.splat(0);
      for (let word = min(left, mostWords); word > 0; word--, w += 32, at += 4) {
        const w0 = v128.load(w);
        const w1 = v128.load(w, 16);
        let a = v128.load32_splat(x + at);
        c00 = count(c00, a, w0);
        c01 = count(c01, a, w1);
        a = v128.load32_splat(a1 + at);
        c10 = count(c10, a, w0);
        c11 = count(c11, a, w1);
        a = v128.load32_splat(a2 + at);
        c20 = count(c20, a, w0);
        c21 = count(c21, a, w1);
        a = v128.load32_splat(a3 + at);
        c30 = count(c30, a, w0);
        c31 = count(c31, a, w1);
      }
      s00 = addBytes(s00, c00);
      s01 = addBytes(s01, c01);
      s10 = addBytes(s10, c10);
      s11 = addBytes(s11, c11);
      s20 = addBytes(s20, c20);
      s21 = addBytes(s21, c21);
      s30 = addBytes(s30, c30);
      s31 = addBytes(s31, c31);
    }
    const second = multiplier == 0 ? 0 : multiplier + 16;
    const secondBias = bias == 0 ? 0 : bias + 16;
    const whole = rows >= tileRows && columns == bitPanelColumns;
    const to = whole ? y : edge;
    const toStep = whole ? yStep : 32;
    v128.store(to, result(s00, depths, multiplier, bias));
    v128.store(to, result(s01, depths, second, secondBias), 16);
    v128.store(to + toStep, result(s10, depths, multiplier, bias));
    v128.store(to + toStep, result(s11, depths, second, secondBias), 16);
    v128.store(to + 2 * toStep, result(s20, depths, multiplier, bias));
    v128.store(to + 2 * toStep, result(s21, depths, second, secondBias), 16);
    v128.store(to + 3 * toStep, result(s30, depths, multiplier, bias));
    v128.store(to + 3 * toStep, result(s31, depths, second, secondBias), 16);
    if (whole) continue;
    for (let row = 0; row < min(rows, tileRows); row++) {
      copyEdge(y + <usize>row * yStep, edge + 32 * row, 4 * columns);
    }
  }
}

/**
 * y [rows, columns] of x [rows, depth], packed by `packBits`, and panels that hold whole words likewise.
 * `multiplier` and `bias` have a whole number of panels, or are 0.
 */
export function multiplyBits(
  x: usize,
  rows: i32,
  depth: i32,
  panels: usize,
  columns: i32,
  multiplier: usize,
  bias: usize,
  y: usize,
): void {
  const words = (depth + 31) >> 5;
  const panelBytes = <usize>words * 4 * bitPanelColumns;
  const yStep = 4 * <usize>columns;
  for (let column = 0; column < columns; column += bitPanelColumns, panels += panelBytes) {
    const width = min(columns - column, bitPanelColumns);
    const offset = 4 * <usize>column;
    const m = multiplier == 0 ? 0 : multiplier + offset;
    const b = bias == 0 ? 0 : bias + offset;
    multiplyPanel(x, rows, words, depth, panels, m, b, y + offset, yStep, width);
  }
}
