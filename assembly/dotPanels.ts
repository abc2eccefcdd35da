/** Panels of quantized weights, in the order in which ./dot and ./relaxedRow read them. */
import { pairs } from './tile';

/**
 * Writes [group][panel][run][units][columns of a panel] units of `layout`, pairs or quads, 32 bits each, which were 0.
 * Weights are int8 [group][column][run][depth of a run]; `zeros` has the zero point of each column, an int32, for
 * pairs, or is 0.
 */
export function packDotPanels(
  layout: i32,
  weights: usize,
  zeros: usize,
  groups: i32,
  columns: i32,
  runs: i32,
  depth: i32,
  ofPanel: i32,
  to: usize,
): void {
  const ofUnit = layout == pairs ? 2 : 4;
  const unitStep = 4 * <usize>ofPanel;
  const runBytes = unitStep * ((depth + ofUnit - 1) / ofUnit);
  const panelBytes = runBytes * runs;
  for (let group = 0; group < groups; group++) {
    for (let column = 0; column < columns; column++) {
      const ofColumn = column % ofPanel;
      let at = to + 4 * <usize>ofColumn;
      let zero: i16 = 0;
      if (zeros != 0) {
        zero = <i16>load<i32>(zeros);
        zeros += 4;
      }
      for (let run = 0; run < runs; run++, weights += depth, at += runBytes) {
        if (layout == pairs) packRunOfPairs(weights, depth, zero, at, unitStep);
        else packRunOfQuads(weights, depth, at, unitStep);
      }
      if (ofColumn == ofPanel - 1 || column == columns - 1) to += panelBytes;
    }
  }
}

function packRunOfPairs(weights: usize, depth: i32, zero: i16, to: usize, step: usize): void {
  const lanes = i16x8(0, 1, 2, 3, 4, 5, 6, 7);
  const zeros = i16x8.splat(zero);
  for (let k = 0; k < depth; k += 8, to += 4 * step) {
    const left = min(depth - k, 8);
    const present = i16x8.lt_s(lanes, i16x8.splat(<i16>left));
    const words = i16x8.sub(v128.load8x8_s(weights + k), zeros);
    storeUnits(to, v128.and(words, present), (left + 1) >> 1, step);
  }
}

function packRunOfQuads(weights: usize, depth: i32, to: usize, step: usize): void {
  const lanes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (let k = 0; k < depth; k += 16, to += 4 * step) {
    const left = min(depth - k, 16);
    const present = i8x16.lt_s(lanes, i8x16.splat(<i8>left));
    storeUnits(to, v128.and(v128.load(weights + k), present), (left + 3) >> 2, step);
  }
}

/** Stores the first `count` units of a vector, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function storeUnits(to: usize, units: v128, count: i32, step: usize): void {
  v128.store32_lane(to, units, 0);
  if (count > 1) v128.store32_lane(to + step, units, 1);
  if (count > 2) v128.store32_lane(to + 2 * step, units, 2);
  if (count > 3) v128.store32_lane(to + 3 * step, units, 3);
}
