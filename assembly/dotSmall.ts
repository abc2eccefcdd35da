/**
 * Dot products of rows with small quads (./smallQuads): ./dot for instructions that add two products of
 * bytes to an int16 and saturate. Rows are read where they lie, through a table of their addresses.
 * With relaxed SIMD only; the host has made sure of what the engine computes.
 */
import { Output } from './output';
import { pairs } from './tile';
import { storeTile } from './tileOutput';

/** Rows of a register tile. */
export const smallRows: i32 = 4;

/**
 * Two int16 of 1. Exported, as what is no constant to compilers: of constants they build the vector anew
 * at each use.
 */
export let twoOnes: i32 = 0x10001;

/** int16: sums of two products of a quad of weights and one of a row. */
// @ts-ignore: decorator
@inline
function multiply(weights: v128, quad: v128): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return weights;
  return i16x8.relaxed_dot_i8x16_i7x16_s(weights, quad);
}

// @ts-ignore: decorator
@inline
function addWords(acc: v128, words: v128, ones: v128): v128 {
  return i32x4.add(acc, i32x4.dot_i16x8_s(words, ones));
}

/**
 * Multiplies `rows` rows, whose addresses `table` has, the last of them repeated to a whole tile, by one
 * panel, whose twos end before quad `twosEnd` of `order`, and the others before `end`. Other arguments
 * are those of `dotPairs`.
 */
export function dotSmallQuads(
  table: usize,
  rows: i32,
  weights: usize,
  order: usize,
  twosEnd: usize,
  end: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  yStep: usize,
  columns: i32,
  output: Output,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  const ones = i32x4.splat(twoOnes);
  for (; rows > 0; rows -= smallRows, table += 4 * smallRows, y += <usize>smallRows * yStep) {
    const r0 = load<usize>(table);
    const r1 = load<usize>(table, 4);
    const r2 = load<usize>(table, 8);
    const r3 = load<usize>(table, 12);
    let c00 = v128.load(bias);
    let c01 = v128.load(bias, 16);
    let c10 = v128.load(bias);
    let c11 = v128.load(bias, 16);
    let c20 = v128.load(bias);
    let c21 = v128.load(bias, 16);
    let c30 = v128.load(bias);
    let c31 = v128.load(bias, 16);
    let w = weights;
    let at = order;
    for (; at < twosEnd; at += 8, w += 64) {
      const k = load<usize>(at);
      const l = load<usize>(at, 4);
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const v0 = v128.load(w, 32);
      const v1 = v128.load(w, 48);
      let a = v128.load32_splat(r0 + k);
      let b = v128.load32_splat(r0 + l);
      c00 = addWords(c00, i16x8.add(multiply(w0, a), multiply(v0, b)), ones);
      c01 = addWords(c01, i16x8.add(multiply(w1, a), multiply(v1, b)), ones);
      a = v128.load32_splat(r1 + k);
      b = v128.load32_splat(r1 + l);
      c10 = addWords(c10, i16x8.add(multiply(w0, a), multiply(v0, b)), ones);
      c11 = addWords(c11, i16x8.add(multiply(w1, a), multiply(v1, b)), ones);
      a = v128.load32_splat(r2 + k);
      b = v128.load32_splat(r2 + l);
      c20 = addWords(c20, i16x8.add(multiply(w0, a), multiply(v0, b)), ones);
      c21 = addWords(c21, i16x8.add(multiply(w1, a), multiply(v1, b)), ones);
      a = v128.load32_splat(r3 + k);
      b = v128.load32_splat(r3 + l);
      c30 = addWords(c30, i16x8.add(multiply(w0, a), multiply(v0, b)), ones);
      c31 = addWords(c31, i16x8.add(multiply(w1, a), multiply(v1, b)), ones);
    }
    for (; at < end; at += 4, w += 32) {
      const k = load<usize>(at);
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let a = v128.load32_splat(r0 + k);
      c00 = addWords(c00, multiply(w0, a), ones);
      c01 = addWords(c01, multiply(w1, a), ones);
      a = v128.load32_splat(r1 + k);
      c10 = addWords(c10, multiply(w0, a), ones);
      c11 = addWords(c11, multiply(w1, a), ones);
      a = v128.load32_splat(r2 + k);
      c20 = addWords(c20, multiply(w0, a), ones);
      c21 = addWords(c21, multiply(w1, a), ones);
      a = v128.load32_splat(r3 + k);
      c30 = addWords(c30, multiply(w0, a), ones);
      c31 = addWords(c31, multiply(w1, a), ones);
    }
    storeTile(
      pairs, output.kind, smallRows, c00, c01, c10, c11, c20, c21, c30, c31, c30, c31, c30, c31,
      multiplier, y, yStep, min(rows, smallRows), columns, output, 0, 0,
    );
  }
}
