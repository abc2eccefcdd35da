/**
 * Float convolution: strips of rows, as tiles, times the panels of each group (docs of ./qconv).
 */
import { dotFloats } from './dot';
import { panelColumns } from './panel';
import { floats, packBytesOf, packStrip, stripBytesOf, stripRows, tileBytes, unitsOf } from './tile';
import { pixelsOf, Window } from './window';

/** Bytes of scratch that `conv` takes. */
export function convScratch(window: Window): usize {
  const units = unitsOf(window, floats);
  return stripBytesOf(units, floats, pixelsOf(window)) + packBytesOf(window, 4);
}

/**
 * The output pixels `begin` … `end − 1` of all images.
 *
 * x [N, H, W, C]; y [N, OH, OW, yChannels]. `weights` holds the panels of each group in turn, `bias` eight
 * elements for each panel.
 */
export function conv(
  window: Window,
  x: usize,
  weights: usize,
  bias: usize,
  y: usize,
  lower: f32,
  upper: f32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const units = unitsOf(window, floats);
  const panelBytes = <usize>units * 4 * panelColumns;
  const columns = window.outChannels / window.groups;
  const channels = window.channels / window.groups;
  const strip = stripRows(units, floats, end - begin);
  const tileStep = tileBytes(units, floats);
  const yStep = <usize>window.yChannels * 4;
  const buffer = scratch + stripBytesOf(units, floats, end - begin);

  for (let group = 0; group < window.groups; group++, x += 4 * channels) {
    const groupWeights = weights;
    const groupBias = bias;
    for (let first = begin; first < end; first += strip) {
      const rows = min(strip, end - first);
      packStrip(window, floats, x, first, rows, 0, 0, scratch, buffer);
      let to = y + <usize>first * yStep;
      weights = groupWeights;
      bias = groupBias;
      for (let column = 0; column < columns; column += panelColumns) {
        const count = min(columns - column, panelColumns);
        dotFloats(scratch, tileStep, units, rows, weights, bias, to, yStep, count, lower, upper);
        weights += panelBytes;
        bias += 4 * panelColumns;
        to += 4 * panelColumns;
      }
    }
    y += <usize>columns * 4;
  }
}
