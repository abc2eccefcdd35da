/**
 * Products of one int8 row with columns of 4-bit weights, docs of ./nibbles: a block is unpacked in
 * registers where it is read, and the sums of a panel stay there from the first block to the last.
 */
import {
  addScaled,
  groupBytes,
  groupsOf,
  nibbleColumns,
  NibbleProduct,
  offsetOf4,
  panelBytes,
  recordHead,
  storeSums,
  sumBlocks,
  usesQuads,
} from './nibbles';

/** Bytes of scratch that `multiplyNibblesRow` takes. */
export function multiplyNibblesRowScratch(product: NibbleProduct): usize {
  return 4 * <usize>product.blocks + 2 * <usize>product.depth + 32;
}

/** The columns of panels `begin` … `end − 1`; other arguments are those of `multiplyNibbles`. */
export function multiplyNibblesRow(
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
  const blocks = product.blocks;
  const withQuads = usesQuads(product);
  sumBlocks(product, x, scratch);
  let row = x;
  if (!withQuads) {
    row = scratch + ((4 * <usize>blocks + 15) & ~15);
    for (let k = 0; k < product.depth; k += 8) {
      v128.store(row + 2 * k, v128.load8x8_s(x + k));
    }
  }
  const scale = v128.load32_splat(xScale);
  const blockBytes = recordHead + <usize>product.groups * groupBytes;
  let record = panels + <usize>begin * panelBytes(product);
  for (let panel = begin; panel < end; panel++) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let a = row;
    for (let block = 0; block < blocks; block++, record += blockBytes) {
      const xSum = v128.load32_splat(scratch + 4 * block);
      let c0 = offsetOf4(xSum, record + 64);
      let c1 = offsetOf4(xSum, record + 68);
      let c2 = offsetOf4(xSum, record + 72);
      let c3 = offsetOf4(xSum, record + 76);
      let w = record + recordHead;
      if (ASC_FEATURE_RELAXED_SIMD && withQuads) {
        const mask = i8x16.splat(15);
        for (let group = groupsOf(product, block); group > 0; group--, w += groupBytes, a += 8) {
          const low = v128.load32_splat(a);
          const high = v128.load32_splat(a, 4);
          c0 = addQuads(c0, v128.load(w), low, high, mask);
          c1 = addQuads(c1, v128.load(w, 16), low, high, mask);
          c2 = addQuads(c2, v128.load(w, 32), low, high, mask);
          c3 = addQuads(c3, v128.load(w, 48), low, high, mask);
        }
      } else {
        const mask = i16x8.splat(15);
        for (let group = groupsOf(product, block); group > 0; group--, w += groupBytes, a += 16) {
          c0 = addPairs(c0, v128.load(w), a, mask);
          c1 = addPairs(c1, v128.load(w, 16), a, mask);
          c2 = addPairs(c2, v128.load(w, 32), a, mask);
          c3 = addPairs(c3, v128.load(w, 48), a, mask);
        }
      }
      s0 = addScaled(s0, c0, record);
      s1 = addScaled(s1, c1, record + 16);
      s2 = addScaled(s2, c2, record + 32);
      s3 = addScaled(s3, c3, record + 48);
    }
    const column = panel * nibbleColumns;
    const bytes = 4 * min(product.columns - column, nibbleColumns);
    const start = bias == 0 ? 0 : bias + 4 * column;
    storeSums(s0, s1, s2, s3, scale, start, y + 4 * column, bytes);
  }
}

// @ts-ignore: decorator
@inline
function addQuads(acc: v128, nibbles: v128, low: v128, high: v128, mask: v128): v128 {
  acc = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(nibbles, mask), acc);
  const upper = v128.and(i16x8.shr_u(nibbles, 4), mask);
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(high, upper, acc);
}

// @ts-ignore: decorator
@inline
function addPairs(acc: v128, nibbles: v128, a: usize, mask: v128): v128 {
  const n0 = v128.and(nibbles, mask);
  const n1 = v128.and(i16x8.shr_u(nibbles, 4), mask);
  const n2 = v128.and(i16x8.shr_u(nibbles, 8), mask);
  const n3 = i16x8.shr_u(nibbles, 12);
  const low = i32x4.add(
    i32x4.dot_i16x8_s(v128.load32_splat(a), n0),
    i32x4.dot_i16x8_s(v128.load32_splat(a, 4), n1),
  );
  const high = i32x4.add(
    i32x4.dot_i16x8_s(v128.load32_splat(a, 8), n2),
    i32x4.dot_i16x8_s(v128.load32_splat(a, 12), n3),
  );
  return i32x4.add(acc, i32x4.add(low, high));
}
