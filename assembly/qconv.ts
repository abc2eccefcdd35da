/**
 * Quantized convolution, and with it every quantized matrix product (a 1×1 convolution): output
 * pixels are the rows of a product whose columns are a group's output channels. A strip of rows is
 * laid out as tiles, which all panels of the group are then multiplied with.
 */
import { dotPanel, panelColumns } from './dot';
import { Output, toUint8 } from './output';
import { packStrip, stripRows, stripScratch, tileBytes, tileRows } from './tile';
import { pixelsOf, Window } from './window';

// @ts-ignore: decorator
@inline
function depthOf(window: Window): i32 {
  return window.kernelH * window.kernelW * (window.channels / window.groups);
}

/** Bytes of scratch that `qconv` takes. */
export function qconvScratch(window: Window): usize {
  return stripScratch(depthOf(window), 1, pixelsOf(window));
}

/**
 * x uint8 [N, H, W, C]; y [N, OH, OW, O], of the type that `output` names. `weights` holds the
 * panels of each group in turn; `bias` int32 and `multiplier` float32 have eight elements for each
 * panel.
 */
export function qconv(
  window: Window,
  output: Output,
  x: usize,
  xZero: i32,
  weights: usize,
  bias: usize,
  multiplier: usize,
  y: usize,
  scratch: usize,
): void {
  const depth = depthOf(window);
  const pairs = (depth + 1) >> 1;
  const panelBytes = <usize>pairs * 4 * panelColumns;
  const columns = window.outChannels / window.groups;
  const channels = window.channels / window.groups;
  const pixels = pixelsOf(window);
  const strip = stripRows(depth, 1, pixels);
  const tileStep = tileBytes(depth, 1);
  const size: usize = output.kind == toUint8 ? 1 : 4;
  const yStep = <usize>window.outChannels * size;
  const buffer = scratch + <usize>(strip / tileRows) * tileStep;

  for (let group = 0; group < window.groups; group++, x += channels) {
    const groupWeights = weights;
    const groupBias = bias;
    const groupMultiplier = multiplier;
    for (let first = 0; first < pixels; first += strip) {
      const rows = min(strip, pixels - first);
      packStrip(window, x, first, rows, xZero, 1, scratch, buffer);
      let to = y + <usize>first * yStep;
      weights = groupWeights;
      bias = groupBias;
      multiplier = groupMultiplier;
      for (let column = 0; column < columns; column += panelColumns) {
        const count = min(columns - column, panelColumns);
        dotPanel(
          scratch,
          tileStep,
          pairs,
          rows,
          weights,
          bias,
          multiplier,
          to,
          yStep,
          count,
          output,
        );
        weights += panelBytes;
        bias += 4 * panelColumns;
        multiplier += 4 * panelColumns;
        to += <usize>panelColumns * size;
      }
    }
    y += <usize>columns * size;
  }
}
