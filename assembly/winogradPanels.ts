/** Weights for ./winograd: what becomes of filters, in the order in which ./dot reads it. */
import { storeUnits } from './dotPanels';
import { panelColumns } from './panel';

/** Places of a tile of 4 × 4. */
export const places: i32 = 16;

/** Pairs of channels, filled up to whole vectors. */
// @ts-ignore: decorator
@inline
export function unitsOf(channels: i32): i32 {
  return ((channels + 7) >> 3) << 2;
}

/** Bytes of the panels that `packWinograd` writes. */
export function winogradPanelBytes(channels: i32, columns: i32): usize {
  const panels = <usize>((columns + panelColumns - 1) / panelColumns);
  return panels * places * unitsOf(channels) * (4 * panelColumns);
}

/**
 * Writes panels [column / 8][16 places][units][8 columns][2] as int16, which were 0, from weights int8
 * [column][3][3][channel], and the zero point of each column, an int32; if `zeros` is 0, there are none.
 */
export function packWinograd(
  weights: usize,
  zeros: usize,
  channels: i32,
  columns: i32,
  to: usize,
): void {
  const placeBytes = <usize>unitsOf(channels) * (4 * panelColumns);
  const unitStep = 4 * <usize>panelColumns;
  const lanes = i16x8(0, 1, 2, 3, 4, 5, 6, 7);
  for (let column = 0; column < columns; column++, weights += 9 * <usize>channels) {
    const zero = i16x8.splat(zeros == 0 ? 0 : <i16>load<i32>(zeros + 4 * <usize>column));
    const panel = <usize>(column / panelColumns) * places * placeBytes;
    let at = to + panel + 4 * <usize>(column % panelColumns);
    for (let c = 0; c < channels; c += 8, at += 16 * panelColumns) {
      const present = i16x8.lt_s(lanes, i16x8.splat(<i16>min(channels - c, 8)));
      for (let j = 0; j < 4; j++) {
        const row = at + <usize>j * placeBytes;
        // the filter along its columns first
        const g0 = alongColumns(weights + c, channels, j, zero, present);
        const g1 = alongColumns(weights + 3 * channels + c, channels, j, zero, present);
        const g2 = alongColumns(weights + 6 * channels + c, channels, j, zero, present);
        const outer = i16x8.add(g0, g2);
        storeUnits(row, i16x8.add(g0, g0), 4, unitStep);
        storeUnits(row + 4 * placeBytes, i16x8.add(outer, g1), 4, unitStep);
        storeUnits(row + 8 * placeBytes, i16x8.sub(outer, g1), 4, unitStep);
        storeUnits(row + 12 * placeBytes, i16x8.add(g2, g2), 4, unitStep);
      }
    }
  }
}

/** Place j of a row of a filter, of eight channels, times 2G. */
// @ts-ignore: decorator
@inline
function alongColumns(row: usize, channels: i32, j: i32, zero: v128, present: v128): v128 {
  const g0 = v128.and(i16x8.sub(v128.load8x8_s(row), zero), present);
  const g2 = v128.and(i16x8.sub(v128.load8x8_s(row + 2 * channels), zero), present);
  if (j == 0) return i16x8.add(g0, g0);
  if (j == 3) return i16x8.add(g2, g2);
  const g1 = v128.and(i16x8.sub(v128.load8x8_s(row + channels), zero), present);
  const outer = i16x8.add(g0, g2);
  return j == 1 ? i16x8.add(outer, g1) : i16x8.sub(outer, g1);
}
