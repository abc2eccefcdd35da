/**
 * Products of int16 rows and columns, summed in 64 bits:
 *
 *   acc[r][c] = bias[c] + Σ_k x[r][k] · w[k][c]
 *
 * exact. Sums of 32 bits (./dot) are moved to 64 bits every `chunk` units, in which the host has made
 * sure that nothing wraps. Where `parts` is 2, each weight is 256 · high + low, and a panel has the high
 * parts of all k before the low ones: [part][unit][8 columns][2].
 */
import { dotPairs } from './dot';
import { copyEdge, edge } from './edge';
import { Output } from './output';
import { panelColumns } from './panel';
import { boundOf, magicOf, roundTo, shiftOf } from './requantize';
import {
  fillBytes,
  packMatrix,
  packRowsBytes,
  pairs,
  stripBytesOf,
  stripRows,
  tileBytes,
} from './tile';

/** Values of `kind`. */
const toInt16: i32 = 0;
const toInt64: i32 = 1;

/** Rows of a strip: their sums stay in the first cache. */
const mostRows: i32 = 64;

/** Fields of 32 bits, which the host writes. */
@unmanaged
export class WordProduct {
  rows: i32;
  columns: i32;
  depth: i32;
  /** Units of a chunk, at least 1. */
  chunk: i32;
  parts: i32;
  kind: i32;
  min: i32;
  max: i32;
  /** What asks ./dot for int32. */
  sums: Output;
  /** Eight int32 of 0. */
  zeros: usize;
}

// @ts-ignore: decorator
@inline
function unitsOf(product: WordProduct): i32 {
  return (product.depth + 1) >> 1;
}

/** Bytes of scratch that `multiplyWords` takes. */
export function multiplyWordsScratch(product: WordProduct): usize {
  const rows = min(product.rows, mostRows);
  return stripBytesOf(unitsOf(product), pairs, rows) + packRowsBytes + 96 * (<usize>rows + 4);
}

/**
 * Rows `begin` … `end − 1` of y [rows, columns] of x [rows, depth]. `bias` int32 and `multiplier`
 * float32 have eight elements for each panel.
 */
export function multiplyWords(
  product: WordProduct,
  x: usize,
  panels: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const depth = product.depth;
  const columns = product.columns;
  const chunk = product.chunk;
  const kind = product.kind;
  const units = unitsOf(product);
  const fitting = min(end - begin, mostRows);
  const strip = stripRows(units, pairs, fitting);
  const tileStep = tileBytes(units, pairs);
  const buffer = scratch + stripBytesOf(units, pairs, fitting);
  const acc = buffer + packRowsBytes;
  const sums = acc + 32 * <usize>strip;
  const size: usize = kind == toInt64 ? 8 : kind == toInt16 ? 2 : 4;
  for (let first = begin; first < end; first += strip) {
    const rows = min(strip, end - first);
    const from = x + 2 * <usize>depth * first;
    packMatrix(from, 2 * <usize>depth, rows, pairs, true, scratch, tileStep, buffer);
    let panel = panels;
    for (let column = 0; column < columns; column += panelColumns) {
      fillBytes(sums, i64x2.splat(0), 64 * rows);
      for (let part = 0; part < product.parts; part++, panel += 32 * <usize>units) {
        if (part > 0) raise(sums, rows);
        for (let unit = 0; unit < units; unit += chunk) {
          dotPairs(
            scratch + 16 * unit,
            tileStep,
            min(chunk, units - unit),
            rows,
            panel + 32 * unit,
            product.zeros,
            product.zeros,
            acc,
            32,
            panelColumns,
            product.sums,
          );
          addSums(sums, acc, rows);
        }
      }
      let to = y + (<usize>first * columns + column) * size;
      const count = min(columns - column, panelColumns);
      const offset = 4 * <usize>column;
      for (let row = 0; row < rows; row++, to += <usize>columns * size) {
        finish(product, sums + 64 * row, bias + offset, multiplier + offset, to, count * size);
      }
    }
  }
}

/**
 * Panels `begin` … `end − 1` of y [columns] of one row, which is read where it lies; other arguments are
 * those of `multiplyWords`, and scratch has 64 bytes.
 */
export function multiplyWordsRow(
  product: WordProduct,
  x: usize,
  panels: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const chunk = product.chunk;
  const kind = product.kind;
  const units = unitsOf(product);
  const size: usize = kind == toInt64 ? 8 : kind == toInt16 ? 2 : 4;
  let w = panels + 32 * <usize>(begin * product.parts * units);
  for (let panel = begin; panel < end; panel++) {
    fillBytes(scratch, i64x2.splat(0), 64);
    for (let part = 0; part < product.parts; part++) {
      if (part > 0) raise(scratch, 1);
      let a = x;
      for (let left = units; left > 0; left -= chunk) {
        let c0 = v128.load(product.zeros);
        let c1 = v128.load(product.zeros, 16);
        for (let unit = min(left, chunk); unit > 0; unit--, a += 4, w += 32) {
          const pair = v128.load32_splat(a);
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(pair, v128.load(w)));
          c1 = i32x4.add(c1, i32x4.dot_i16x8_s(pair, v128.load(w, 16)));
        }
        v128.store(edge, c0);
        v128.store(edge, c1, 16);
        addSums(scratch, edge, 1);
      }
    }
    const column = panel * panelColumns;
    const offset = 4 * <usize>column;
    const count = min(product.columns - column, panelColumns);
    const to = y + <usize>column * size;
    finish(product, scratch, bias + offset, multiplier + offset, to, count * size);
  }
}

/** sums = 256 · sums. */
function raise(sums: usize, rows: i32): void {
  for (let end = sums + 64 * rows; sums < end; sums += 16) {
    v128.store(sums, i64x2.shl(v128.load(sums), 8));
  }
}

/** Adds int32 to int64, eight of each row. */
function addSums(sums: usize, acc: usize, rows: i32): void {
  for (let end = acc + 32 * rows; acc < end; acc += 16, sums += 32) {
    const words = v128.load(acc);
    v128.store(sums, i64x2.add(v128.load(sums), i64x2.extend_low_i32x4_s(words)));
    v128.store(sums, i64x2.add(v128.load(sums, 16), i64x2.extend_high_i32x4_s(words)), 16);
  }
}

/** Stores `bytes` bytes of what becomes of eight sums of a row. */
function finish(
  product: WordProduct,
  sums: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  bytes: usize,
): void {
  const kind = product.kind;
  for (let i: usize = 0; i < 8; i++) {
    const acc = load<i64>(sums + 8 * i) + load<i32>(bias + 4 * i);
    if (kind == toInt64) store<i64>(edge + 8 * i, acc);
    else store<f32>(edge + 4 * i, <f32>acc);
  }
  if (kind != toInt64) {
    const v0 = f32x4.mul(v128.load(edge), v128.load(multiplier));
    const v1 = f32x4.mul(v128.load(edge, 16), v128.load(multiplier, 16));
    if (kind == toInt16) {
      const low = boundOf(product.min, 0);
      const high = boundOf(product.max, 0);
      const shift = shiftOf(0);
      const magic = magicOf();
      v128.store(
        edge,
        i16x8.narrow_i32x4_s(
          roundTo(v0, low, high, shift, magic),
          roundTo(v1, low, high, shift, magic),
        ),
      );
    } else {
      v128.store(edge, v0);
      v128.store(edge, v1, 16);
    }
  }
  copyEdge(y, edge, bytes);
}
