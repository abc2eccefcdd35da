/**
 * Quantized convolution (docs of ./qconv) by small quads. Rows of a product lie side by side as bytes: those
 * of a 1×1 window are read in x, others are laid out strip by strip.
 */
import { dotSmallQuads, smallRows } from './dotSmall';
import { addRow, Sum } from './elementwise';
import { bytesOf, Output } from './output';
import { panelColumns } from './panel';
import { SmallQuads } from './smallQuads';
import {
  packBytesOf,
  packStrip,
  rowBytes,
  rowsOfBytes,
  stripBytesOf,
  stripRows,
  unitsOf,
} from './tile';
import { pixelsOf, Window } from './window';

/** Whether each row is a stretch of x. */
function isInPlace(window: Window): bool {
  return (
    window.kernelH * window.kernelW == 1 &&
    (window.padTop | window.padLeft) == 0 &&
    (window.outHeight - 1) * window.strideH < window.height &&
    (window.outWidth - 1) * window.strideW < window.width
  );
}

/** Bytes of the table of the addresses of `rows` rows. */
// @ts-ignore: decorator
@inline
function tableBytes(rows: i32): usize {
  return (4 * <usize>(rows + smallRows) + 15) & ~15;
}

/** Bytes of scratch that `qconvSmall` takes. */
export function qconvSmallScratch(window: Window): usize {
  const pixels = pixelsOf(window);
  const units = unitsOf(window, rowsOfBytes);
  const table = tableBytes(stripRows(units, rowsOfBytes, pixels));
  if (isInPlace(window)) return table;
  return table + stripBytesOf(units, rowsOfBytes, pixels) + packBytesOf(window, 1);
}

/** The output pixels `begin` … `end − 1` of all images, docs of ./qconv. */
export function qconvSmall(
  window: Window,
  output: Output,
  x: usize,
  xZero: i32,
  quads: SmallQuads,
  bias: usize,
  multiplier: usize,
  y: usize,
  sum: Sum,
  residual: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const units = unitsOf(window, rowsOfBytes);
  const columns = window.outChannels / window.groups;
  const channels = window.channels / window.groups;
  const strip = stripRows(units, rowsOfBytes, end - begin);
  const size = bytesOf(output.kind);
  const yStep = <usize>window.yChannels * size;
  const inPlace = isInPlace(window);
  const rowsAt = scratch + tableBytes(strip);
  const buffer = rowsAt + stripBytesOf(units, rowsOfBytes, end - begin);
  let ends = changetype<usize>(quads) + offsetof<SmallQuads>('ends');
  let quad = 0;

  for (let group = 0; group < window.groups; group++, x += channels) {
    const groupQuad = quad;
    const groupEnds = ends;
    const groupBias = bias;
    const groupMultiplier = multiplier;
    for (let first = begin; first < end; first += strip) {
      const rows = min(strip, end - first);
      if (inPlace) {
        writeRows(window, scratch, x, first, rows);
      } else {
        packStrip(window, rowsOfBytes, x, first, rows, xZero, 0, rowsAt, buffer);
        for (let row = 0; row < rows + smallRows; row++) {
          store<usize>(scratch + 4 * row, rowsAt + rowBytes(units) * min(row, rows - 1));
        }
      }
      let to = y + <usize>first * yStep;
      quad = groupQuad;
      ends = groupEnds;
      bias = groupBias;
      multiplier = groupMultiplier;
      for (let column = 0; column < columns; column += panelColumns) {
        dotSmallQuads(
          scratch,
          rows,
          quads.weights + 32 * <usize>quad,
          quads.order + 4 * <usize>quad,
          quads.order + 4 * load<usize>(ends),
          quads.order + 4 * load<usize>(ends, 4),
          bias,
          multiplier,
          to,
          yStep,
          min(columns - column, panelColumns),
          output,
        );
        quad = load<i32>(ends, 4);
        ends += 8;
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

/** The addresses of rows that lie in x; the last one is repeated. */
function writeRows(window: Window, table: usize, x: usize, first: i32, rows: i32): void {
  const cell = <usize>window.channels;
  const plane = window.outHeight * window.outWidth;
  const n = first / plane;
  let oy = (first - n * plane) / window.outWidth;
  let ox = first - n * plane - oy * window.outWidth;
  let image = x + <usize>n * window.height * window.width * cell;
  let at = image;
  for (let row = 0; row < rows; row++, table += 4) {
    at = image + (<usize>(oy * window.strideH) * window.width + ox * window.strideW) * cell;
    store<usize>(table, at);
    if (++ox < window.outWidth) continue;
    ox = 0;
    if (++oy < window.outHeight) continue;
    oy = 0;
    image += <usize>window.height * window.width * cell;
  }
  for (let i = 0; i < smallRows; i++) store<usize>(table + 4 * i, at);
}
