/**
 * Weights for instructions that add two products of bytes to an int16 and saturate (./dotSmall), so small that
 * no uint8 reaches the bounds: of each pair neither the positive nor the negative ones come to more than 128.
 *
 * The columns of a panel, eight, are covered by quads that may begin at any byte. Where a pair is large in
 * any of them, one quad overlaps the next one by a byte, whose weights are dealt out to both, or by two.
 * Two quads that are small together come first, in twos, and their products are added before widening.
 */
import { panelColumns } from './panel';

/** The host writes the addresses; `ends` is the first of two counts for each panel. */
@unmanaged
export class SmallQuads {
  /** Of each quad 32 bytes, four for each column. */
  weights: usize;
  /** Of each quad where it begins in a row, int32. */
  order: usize;
  /** Of each panel how many quads end before its single ones, and how many with it. */
  ends: u32;
}

/** Quads that wait for another one, at most: weights, sums of pairs, and where they begin. */
const mostWaiting: i32 = 32;
const waitingBytes: usize = 80;
const waiting: usize = memory.data(2560, 16);

/** The most that weights of one sign may come to in a pair: 255 · 128 is an int16. */
const mostOfPair: i32 = 128;

/** The quads at hand and behind it, as given. */
const own: usize = memory.data(32, 16);
const next: usize = memory.data(32, 16);

/** Writes the counts of the panels of weights int8 [group][column][depth], and returns that of all. */
export function countSmallQuads(
  weights: usize,
  groups: i32,
  columns: i32,
  depth: i32,
  ends: usize,
): i32 {
  let count = 0;
  for (let group = 0; group < groups; group++) {
    for (let column = 0; column < columns; column += panelColumns, ends += 8) {
      const present = min(columns - column, panelColumns);
      for (let k = first(weights, present, depth); k < depth; count++) {
        k += 4 - overlapAt(weights, present, depth, k);
      }
      store<i32>(ends, count, 4);
      weights += <usize>present * depth;
    }
  }
  return count;
}

/** Writes all that has been counted. */
export function packSmallQuads(
  weights: usize,
  groups: i32,
  columns: i32,
  depth: i32,
  to: SmallQuads,
): void {
  let ends = changetype<usize>(to) + offsetof<SmallQuads>('ends');
  let begin = 0;
  for (let group = 0; group < groups; group++) {
    for (let column = 0; column < columns; column += panelColumns, ends += 8) {
      const present = min(columns - column, panelColumns);
      const end = load<i32>(ends, 4);
      store<i32>(ends, packPanel(weights, present, depth, to, begin, end));
      begin = end;
      weights += <usize>present * depth;
    }
  }
}

/** Writes quads `begin` … `end − 1`, twos from the front and single ones from the back; returns where they meet. */
function packPanel(
  weights: usize,
  columns: i32,
  depth: i32,
  to: SmallQuads,
  begin: i32,
  end: i32,
): i32 {
  // what the quad before has left of the first bytes; -1 where it has left them whole
  let left0 = i32x4.splat(-1);
  let left1 = left0;
  let isWhole = true;
  let count = 0;
  for (let k = first(weights, columns, depth); k < depth; ) {
    const overlap = overlapAt(weights, columns, depth, k);
    let q0 = v128.load(own);
    let q1 = v128.load(own, 16);
    if (!isWhole) {
      q0 = v128.bitselect(left0, q0, i32x4.splat(0xff));
      q1 = v128.bitselect(left1, q1, i32x4.splat(0xff));
    }
    isWhole = overlap == 0;
    if (overlap == 1) {
      const share0 = shareOf(v128.load(own), v128.load(next));
      const share1 = shareOf(v128.load(own, 16), v128.load(next, 16));
      left0 = i32x4.sub(byteAt(v128.load(own), 3), share0);
      left1 = i32x4.sub(byteAt(v128.load(own, 16), 3), share1);
      q0 = v128.bitselect(q0, i32x4.shl(share0, 24), i32x4.splat(0xffffff));
      q1 = v128.bitselect(q1, i32x4.shl(share1, 24), i32x4.splat(0xffffff));
    } else if (overlap == 2) {
      left0 = left1 = i32x4.splat(0);
      q0 = v128.and(q0, i32x4.splat(0xffffff));
      q1 = v128.and(q1, i32x4.splat(0xffffff));
    }
    const s0 = sumsOfPairs(q0);
    const s1 = sumsOfPairs(q1);
    const partner = findPartner(s0, s1, count);
    if (partner < count) {
      const at = waiting + waitingBytes * partner;
      put(to, begin++, v128.load(at), v128.load(at, 16), load<i32>(at, 64));
      put(to, begin++, q0, q1, k);
      remove(partner, --count);
    } else {
      if (count == mostWaiting) {
        put(to, --end, v128.load(waiting), v128.load(waiting, 16), load<i32>(waiting, 64));
        remove(0, --count);
      }
      const at = waiting + waitingBytes * count++;
      v128.store(at, q0);
      v128.store(at, q1, 16);
      v128.store(at, s0, 32);
      v128.store(at, s1, 48);
      store<i32>(at, k, 64);
    }
    k += 4 - overlap;
  }
  for (let at = waiting; count > 0; count--, at += waitingBytes) {
    put(to, --end, v128.load(at), v128.load(at, 16), load<i32>(at, 64));
  }
  return begin;
}

function put(to: SmallQuads, quad: i32, q0: v128, q1: v128, k: i32): void {
  const at = to.weights + 32 * <usize>quad;
  v128.store(at, q0);
  v128.store(at, q1, 16);
  store<i32>(to.order + 4 * <usize>quad, k);
}

/** The first of `count` that wait that is small together with a quad; `count` where there is none. */
function findPartner(s0: v128, s1: v128, count: i32): i32 {
  const most = i8x16.splat(<i8>mostOfPair);
  let at = waiting;
  for (let i = 0; i < count; i++, at += waitingBytes) {
    const sums0 = i8x16.add_sat_u(s0, v128.load(at, 32));
    const sums1 = i8x16.add_sat_u(s1, v128.load(at, 48));
    if (!v128.any_true(i8x16.gt_u(i8x16.max_u(sums0, sums1), most))) return i;
  }
  return count;
}

/** Takes one out of the list, of which then `count` are left. */
function remove(index: i32, count: i32): void {
  const at = waiting + waitingBytes * index;
  memory.copy(at, at + waitingBytes, waitingBytes * (count - index));
}

/** Where the first quad begins: before the row, at a weight of 0, if the first pair is large. */
function first(weights: usize, columns: i32, depth: i32): i32 {
  gather(weights, columns, depth, 0, own);
  return largeLanes(own) & firstPairs ? -1 : 0;
}

/** Puts quads k and k + 4 to `own` and `next`, and returns by how many bytes the one behind k overlaps it. */
function overlapAt(weights: usize, columns: i32, depth: i32, k: i32): i32 {
  gather(weights, columns, depth, k, own);
  gather(weights, columns, depth, k + 4, next);
  const isLarge = largeLanes(own) & secondPairs;
  if (k + 4 >= depth) return isLarge ? 2 : 0;
  if (!isLarge && !(largeLanes(next) & firstPairs)) return 0;
  return isTooMuch(0) || isTooMuch(16) ? 2 : 1;
}

/** Bytes k … k + 3 of each column, 0 where there are none. */
function gather(weights: usize, columns: i32, depth: i32, k: i32, to: usize): void {
  let present: u32 = k < 0 ? 0xffffff00 : 0xffffffff;
  if (k + 4 > depth) present &= k < depth ? <u32>0xffffffff >> (8 * (k + 4 - depth)) : 0;
  v128.store(to, i32x4.splat(0));
  v128.store(to, i32x4.splat(0), 16);
  for (let end = to + 4 * columns; to < end; to += 4, weights += depth) {
    store<u32>(to, load<u32>(weights + k) & present);
  }
}

/** Of the bits of `largeLanes`, those of the first and of the second pairs. */
const firstPairs: i32 = 0x55;
const secondPairs: i32 = 0xaa;

/** Which pairs of a quad are large in any column, a bit for each pair of four columns. */
function largeLanes(quad: usize): i32 {
  const most = i16x8.splat(<i16>mostOfPair);
  const a = v128.load(quad);
  const b = v128.load(quad, 16);
  const positive = i16x8.max_s(sumsOf(positiveOf(a)), sumsOf(positiveOf(b)));
  const negative = i16x8.max_s(sumsOf(negativeOf(a)), sumsOf(negativeOf(b)));
  return i16x8.bitmask(i16x8.gt_s(i16x8.max_s(positive, negative), most));
}

/** Whether the last two weights of a quad and the first of the next are too much for two pairs. */
function isTooMuch(columns: usize): bool {
  const most = i32x4.splat(2 * mostOfPair);
  const a = v128.load(own + columns);
  const b = v128.load(next + columns);
  const positive = lastThree(positiveOf(a), positiveOf(b));
  const negative = lastThree(negativeOf(a), negativeOf(b));
  return v128.any_true(i32x4.gt_s(i32x4.max_s(positive, negative), most));
}

// @ts-ignore: decorator
@inline
function lastThree(bytes: v128, behind: v128): v128 {
  const pair = i32x4.shr_u(sumsOf(bytes), 16);
  return i32x4.add(pair, v128.and(behind, i32x4.splat(0xff)));
}

/** The sizes of the positive weights, and of the negative ones, as uint8; 0 for the others. */
// @ts-ignore: decorator
@inline
function positiveOf(weights: v128): v128 {
  return i8x16.max_s(weights, i8x16.splat(0));
}

// @ts-ignore: decorator
@inline
function negativeOf(weights: v128): v128 {
  return v128.and(i8x16.neg(weights), i8x16.shr_s(weights, 7));
}

// @ts-ignore: decorator
@inline
function sumsOf(sizes: v128): v128 {
  return i16x8.extadd_pairwise_i8x16_u(sizes);
}

/** What the positive weights of each small pair come to in the low byte of a lane, the negative in the high one. */
// @ts-ignore: decorator
@inline
function sumsOfPairs(weights: v128): v128 {
  return v128.or(sumsOf(positiveOf(weights)), i16x8.shl(sumsOf(negativeOf(weights)), 8));
}

/** Byte `index` of each column. */
// @ts-ignore: decorator
@inline
function byteAt(quad: v128, index: i32): v128 {
  return i32x4.shr_s(i32x4.shl(quad, 24 - 8 * index), 24);
}

/**
 * How much of the last weight of a quad stays with the one before it, the rest being for the pair of the one
 * behind: so much that both come to the same, if it can be.
 */
// @ts-ignore: decorator
@inline
function shareOf(quad: v128, behind: v128): v128 {
  const zero = i32x4.splat(0);
  const weight = byteAt(quad, 3);
  const sign = i32x4.shr_s(weight, 31);
  const size = signed(weight, sign);
  // what they have of the same sign
  const before = i32x4.max_s(signed(byteAt(quad, 2), sign), zero);
  const after = i32x4.max_s(signed(byteAt(behind, 0), sign), zero);
  const both = i32x4.max_s(i32x4.add(i32x4.sub(after, before), size), zero);
  return signed(i32x4.min_s(i32x4.shr_s(both, 1), size), sign);
}

/** Values, or their opposites where `sign` is −1. */
// @ts-ignore: decorator
@inline
function signed(values: v128, sign: v128): v128 {
  return i32x4.sub(v128.xor(values, sign), sign);
}
