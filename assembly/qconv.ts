/**
 * Quantized convolution, and with it every quantized matrix product (a 1×1 convolution): output
 * pixels are the rows of a product whose columns are a group's output channels. A strip of rows is
 * laid out as tiles, which all panels of the group are then multiplied with.
 *
 * x keeps its zero point, which padding is filled with; the bias has had xZero · Σ weight taken
 * off.
 */
import { dotPairs, dotQuads } from './dot';
import { addRow, Sum } from './elementwise';
import { bytesOf, Output } from './output';
import { panelColumns } from './panel';
import {
  packBytesOf,
  packStrip,
  quads,
  stripBytesOf,
  stripRows,
  tileBytes,
  unitsOf,
} from './tile';
import { pixelsOf, Window } from './window';

/** Bytes of scratch that `qconv` takes. */
export function qconvScratch(window: Window, layout: i32): usize {
  const units = unitsOf(window, layout);
  return stripBytesOf(units, layout, pixelsOf(window)) + packBytesOf(window, 1);
}

/**
 * The output pixels `begin` … `end − 1` of all images.
 *
 * x uint8 [N, H, W, C]; y [N, OH, OW, yChannels], of the type that `output` names. `weights` holds the
 * panels of each group in turn, for tiles of `layout`, whose bits in `flip` are inverted; `bias`
 * int32 and `multiplier` float32 have eight elements for each panel. Codes of a single group are
 * added to those of `residual`, which lie as y's do, unless it is 0.
 */
export function qconv(
  window: Window,
  output: Output,
  layout: i32,
  flip: i32,
  x: usize,
  xZero: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  sum: Sum,
  residual: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const units = unitsOf(window, layout);
  const panelBytes = <usize>units * 4 * panelColumns;
  const columns = window.outChannels / window.groups;
  const channels = window.channels / window.groups;
  const strip = stripRows(units, layout, end - begin);
  const tileStep = tileBytes(units, layout);
  const size = bytesOf(output.kind);
  const yStep = <usize>window.yChannels * size;
  const buffer = scratch + stripBytesOf(units, layout, end - begin);

  for (let group = 0; group < window.groups; group++, x += channels) {
    const groupWeights = weights;
    const groupBias = bias;
    const groupMultiplier = multiplier;
    for (let first = begin; first < end; first += strip) {
      const rows = min(strip, end - first);
      packStrip(window, layout, x, first, rows, xZero, flip, scratch, buffer);
      let to = y + <usize>first * yStep;
      weights = groupWeights;
      bias = groupBias;
      multiplier = groupMultiplier;
      for (let column = 0; column < columns; column += panelColumns) {
        const count = min(columns - column, panelColumns);
        if (ASC_FEATURE_RELAXED_SIMD && layout == quads) {
          dotQuads(
            scratch,
            tileStep,
            units,
            rows,
            weights,
            bias,
            multiplier,
            to,
            yStep,
            count,
            output,
          );
        } else {
          dotPairs(
            scratch,
            tileStep,
            units,
            rows,
            weights,
            bias,
            multiplier,
            to,
            yStep,
            count,
            output,
          );
        }
        weights += panelBytes;
        bias += 4 * panelColumns;
        multiplier += 4 * panelColumns;
        to += <usize>panelColumns * size;
      }
      if (residual != 0) {
        const at = <usize>first * yStep;
        addRow(sum, y + at, residual + at, y + at, rows * <i32>yStep, 1, 1);
      }
    }
    y += <usize>columns * size;
  }
}
