/**
 * Float convolution: strips of rows, as tiles, times the panels of each group (docs of ./qconv).
 */
import { dotPanel, panelColumns } from './f32dot';
import { packStrip, stripRows, stripScratch, tileBytes, tileRows } from './tile';
import { pixelsOf, Window } from './window';

// @ts-ignore: decorator
@inline
function depthOf(window: Window): i32 {
  return window.kernelH * window.kernelW * (window.channels / window.groups);
}

/** Bytes of scratch that `conv` takes. */
export function convScratch(window: Window): usize {
  return stripScratch(depthOf(window), 4, pixelsOf(window));
}

/**
 * x [N, H, W, C]; y [N, OH, OW, O]. `weights` holds the panels of each group in turn, `bias` eight
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
): void {
  const depth = depthOf(window);
  const panelBytes = <usize>depth * 4 * panelColumns;
  const columns = window.outChannels / window.groups;
  const channels = window.channels / window.groups;
  const pixels = pixelsOf(window);
  const strip = stripRows(depth, 4, pixels);
  const tileStep = tileBytes(depth, 4);
  const yStep = <usize>window.outChannels * 4;
  const buffer = scratch + <usize>(strip / tileRows) * tileStep;

  for (let group = 0; group < window.groups; group++, x += 4 * channels) {
    const groupWeights = weights;
    const groupBias = bias;
    for (let first = 0; first < pixels; first += strip) {
      const rows = min(strip, pixels - first);
      packStrip(window, x, first, rows, 0, 4, scratch, buffer);
      let to = y + <usize>first * yStep;
      weights = groupWeights;
      bias = groupBias;
      for (let column = 0; column < columns; column += panelColumns) {
        const count = min(columns - column, panelColumns);
        dotPanel(scratch, tileStep, depth, rows, weights, bias, to, yStep, count, lower, upper);
        weights += panelBytes;
        bias += 4 * panelColumns;
        to += 4 * panelColumns;
      }
    }
    y += <usize>columns * 4;
  }
}
