/**
 * Products of int8 rows with columns of 4-bit weights that have a scale and a zero point for every block
 * of them, and float32 results. Of every row and column
 *
 *   sum = 0; for each block in ascending order: sum = f32(sum + f32(f32(acc) · scale))
 *   acc = Σ_k x[r][k] · (w[k][c] − zero) over the block, exact in int32
 *   y[r][c] = f32(sum · xScale[r]), or f32(that + bias[c])
 *
 * A panel has 16 columns, as one record for each block: scale float32 [16], zero uint8 [16], and groups of
 * eight k, [group][16 columns][4 bytes]. Nibbles beyond the depth are 0. The four bytes of a column hold,
 *
 * - for quads, weight k = i in the low half of byte i and k = 4 + i in its high half;
 * - for pairs, as two int16, weight k = 2n + i in nibble n of int16 i.
 *
 * So one shift and one mask make operands of ./dot of them: a block is unpacked once, and all rows of a
 * strip pass it. One row unpacks in registers: ./nibblesRow.
 */
import { dotPairs, dotSignedQuads } from './dot';
import { copyEdge, edge } from './edge';
import { Output } from './output';
import { panelColumns } from './panel';
import {
  fillBytes,
  packMatrix,
  packRowsBytes,
  pairs,
  quads,
  signedQuads,
  stripBytesOf,
  stripRows,
  tileBytes,
} from './tile';

/** Columns of a panel. */
export const nibbleColumns: i32 = 16;

/** Bytes of a record before its nibbles, and of a group. */
export const recordHead: usize = 80;
export const groupBytes: usize = 64;

/** Rows of a strip: their sums stay in the first cache. */
const mostRows: i32 = 48;

/** Fields of 32 bits, which the host writes. */
@unmanaged
export class NibbleProduct {
  rows: i32;
  columns: i32;
  depth: i32;
  blocks: i32;
  /** Groups of a block, and of the last one. */
  groups: i32;
  lastGroups: i32;
  layout: i32;
  /** What asks ./dot for int32. */
  sums: Output;
  /** Eight int32 of 0. */
  zeros: usize;
}

// @ts-ignore: decorator
@inline
export function usesQuads(product: NibbleProduct): bool {
  return ASC_FEATURE_RELAXED_SIMD && product.layout == quads;
}

// @ts-ignore: decorator
@inline
export function groupsOf(product: NibbleProduct, block: i32): i32 {
  return block + 1 < product.blocks ? product.groups : product.lastGroups;
}

// @ts-ignore: decorator
@inline
function unitsOfGroup(product: NibbleProduct): i32 {
  return usesQuads(product) ? 2 : 4;
}

function unitsOf(product: NibbleProduct): i32 {
  const groups = (product.depth + 7) >> 3;
  return groups * unitsOfGroup(product);
}

// @ts-ignore: decorator
@inline
function tilesOf(product: NibbleProduct): i32 {
  return usesQuads(product) ? signedQuads : pairs;
}

/** Bytes of a panel. */
export function panelBytes(product: NibbleProduct): usize {
  return <usize>product.blocks * (recordHead + <usize>product.groups * groupBytes);
}

/** Bytes of scratch that `multiplyNibbles` takes. */
export function multiplyNibblesScratch(product: NibbleProduct): usize {
  const rows = min(product.rows, mostRows);
  const strip = <usize>rows + 6;
  const unpacked = 64 * <usize>(product.groups * unitsOfGroup(product));
  const ofRow = 4 * <usize>product.blocks + 32 + 64;
  return (
    stripBytesOf(unitsOf(product), tilesOf(product), rows) +
    packRowsBytes +
    unpacked +
    strip * ofRow
  );
}

/**
 * Rows `begin` … `end − 1` of y [rows, columns] of x int8 [rows, depth]. `bias` has 16 elements for each
 * panel, or is 0.
 */
export function multiplyNibbles(
  product: NibbleProduct,
  x: usize,
  xScale: usize,
  panels: usize,
  bias: usize,
  y: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const depth = product.depth;
  const columns = product.columns;
  const blocks = product.blocks;
  const layout = tilesOf(product);
  const units = unitsOf(product);
  const ofGroup = unitsOfGroup(product);
  const fitting = min(end - begin, mostRows);
  const strip = stripRows(units, layout, fitting);
  const tileStep = tileBytes(units, layout);
  const unitStep = layout == pairs ? 16 : 24;
  const buffer = scratch + stripBytesOf(units, layout, fitting);
  const unpacked = buffer + packRowsBytes;
  const halfBytes = 32 * <usize>(product.groups * ofGroup);
  const acc = unpacked + 2 * halfBytes;
  const sums = acc + 32 * <usize>strip;
  const xSums = sums + 64 * <usize>strip;
  const recordBytes = recordHead + <usize>product.groups * groupBytes;
  for (let first = begin; first < end; first += strip) {
    const rows = min(strip, end - first);
    const from = x + <usize>depth * first;
    packMatrix(from, depth, rows, layout, false, scratch, tileStep, buffer);
    for (let row = 0; row < rows; row++) {
      sumBlocks(product, from + <usize>row * depth, xSums + 4 * <usize>(row * blocks));
    }
    let record = panels;
    for (let column = 0; column < columns; column += nibbleColumns) {
      const halves = columns - column > panelColumns ? 2 : 1;
      fillBytes(sums, f32x4.splat(0), 64 * rows);
      let tiles = scratch;
      for (let block = 0; block < blocks; block++, record += recordBytes) {
        const groups = groupsOf(product, block);
        const count = groups * ofGroup;
        if (layout == pairs) unpackPairs(record + recordHead, groups, unpacked, halfBytes);
        else unpackQuads(record + recordHead, groups, unpacked, halfBytes);
        for (let half = 0; half < halves; half++) {
          const panel = unpacked + <usize>half * halfBytes;
          if (ASC_FEATURE_RELAXED_SIMD && layout == signedQuads) {
            dotSignedQuads(tiles, tileStep, count, rows, panel, product.zeros, acc);
          } else {
            dotPairs(
              tiles,
              tileStep,
              count,
              rows,
              panel,
              product.zeros,
              product.zeros,
              acc,
              32,
              panelColumns,
              product.sums,
            );
          }
          const xSum = xSums + 4 * block;
          addBlock(sums + 32 * half, acc, xSum, 4 * <usize>blocks, record, half, rows);
        }
        tiles += count * unitStep;
      }
      let to = y + 4 * (<usize>first * columns + column);
      const start = bias == 0 ? 0 : bias + 4 * column;
      const bytes = 4 * min(columns - column, nibbleColumns);
      for (let row = 0; row < rows; row++, to += 4 * <usize>columns) {
        const at = sums + 64 * row;
        const scale = v128.load32_splat(xScale + 4 * (first + row));
        storeSums(
          v128.load(at),
          v128.load(at, 16),
          v128.load(at, 32),
          v128.load(at, 48),
          scale,
          start,
          to,
          bytes,
        );
      }
    }
  }
}

/** −Σ x of each block of a row. */
export function sumBlocks(product: NibbleProduct, x: usize, to: usize): void {
  const end = x + product.depth;
  const step = 8 * product.groups;
  for (; x < end; to += 4) {
    const blockEnd = min(x + step, end);
    let sums = i32x4.splat(0);
    for (; x + 8 <= blockEnd; x += 8) {
      sums = i32x4.sub(sums, i32x4.extadd_pairwise_i16x8_s(v128.load8x8_s(x)));
    }
    sums = i32x4.add(sums, v128.shuffle<u64>(sums, sums, 1, 0));
    let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
    for (; x < blockEnd; x++) sum -= load<i8>(x);
    store<i32>(to, sum);
  }
}

/** Makes two panels of eight columns of 16. */
function unpackPairs(nibbles: usize, groups: i32, to: usize, halfBytes: usize): void {
  const mask = i16x8.splat(15);
  for (; groups > 0; groups--, nibbles += groupBytes, to += 128) {
    for (let i: usize = 0; i < 4; i++) {
      const bytes = v128.load(nibbles + 16 * i);
      const at = to + (i >> 1) * halfBytes + 16 * (i & 1);
      v128.store(at, v128.and(bytes, mask));
      v128.store(at, v128.and(i16x8.shr_u(bytes, 4), mask), 32);
      v128.store(at, v128.and(i16x8.shr_u(bytes, 8), mask), 64);
      v128.store(at, i16x8.shr_u(bytes, 12), 96);
    }
  }
}

/** The same for quads. */
function unpackQuads(nibbles: usize, groups: i32, to: usize, halfBytes: usize): void {
  const mask = i8x16.splat(15);
  for (; groups > 0; groups--, nibbles += groupBytes, to += 64) {
    for (let i: usize = 0; i < 4; i++) {
      const bytes = v128.load(nibbles + 16 * i);
      const at = to + (i >> 1) * halfBytes + 16 * (i & 1);
      v128.store(at, v128.and(bytes, mask));
      v128.store(at, v128.and(i16x8.shr_u(bytes, 4), mask), 32);
    }
  }
}

/** −Σ x · zero of four columns, whose zero points are at `zero`. */
// @ts-ignore: decorator
@inline
export function offsetOf4(xSum: v128, zero: usize): v128 {
  const zeros = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(zero)));
  return i32x4.mul(xSum, zeros);
}

/** f32(sum + f32(f32(acc) · scale)). */
// @ts-ignore: decorator
@inline
export function addScaled(sum: v128, acc: v128, scale: usize): v128 {
  return f32x4.add(sum, f32x4.mul(f32x4.convert_i32x4_s(acc), v128.load(scale)));
}

/** Adds a block to the sums of eight columns of all rows; those of a row are 64 bytes apart. */
function addBlock(
  sums: usize,
  acc: usize,
  xSum: usize,
  xSumStep: usize,
  record: usize,
  half: i32,
  rows: i32,
): void {
  const scale = record + 32 * half;
  const zero = record + 64 + 8 * half;
  for (; rows > 0; rows--, sums += 64, acc += 32, xSum += xSumStep) {
    const x = v128.load32_splat(xSum);
    const a0 = i32x4.add(v128.load(acc), offsetOf4(x, zero));
    const a1 = i32x4.add(v128.load(acc, 16), offsetOf4(x, zero + 4));
    v128.store(sums, addScaled(v128.load(sums), a0, scale));
    v128.store(sums, addScaled(v128.load(sums, 16), a1, scale + 16), 16);
  }
}

/** Stores the first `bytes` bytes of 16 results. */
export function storeSums(
  s0: v128,
  s1: v128,
  s2: v128,
  s3: v128,
  xScale: v128,
  bias: usize,
  y: usize,
  bytes: i32,
): void {
  s0 = f32x4.mul(s0, xScale);
  s1 = f32x4.mul(s1, xScale);
  s2 = f32x4.mul(s2, xScale);
  s3 = f32x4.mul(s3, xScale);
  if (bias != 0) {
    s0 = f32x4.add(s0, v128.load(bias));
    s1 = f32x4.add(s1, v128.load(bias, 16));
    s2 = f32x4.add(s2, v128.load(bias, 32));
    s3 = f32x4.add(s3, v128.load(bias, 48));
  }
  const whole = bytes == 64;
  const to = whole ? y : edge;
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  if (!whole) copyEdge(y, edge, bytes);
}
