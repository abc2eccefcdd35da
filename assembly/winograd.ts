/**
 * Quantized 3×3 convolution of stride 1 with fewer multiplications, after Winograd: a tile of 2 × 2
 * outputs is 16 products of each channel of its 4 × 4 inputs d instead of 36,
 *
 *   4 · y = Aᵀ ((2G g 2Gᵀ) ⊙ (Bᵀ d B)) A     with    A = (1 1 1 0; 0 1 −1 −1)ᵀ
 *   2G = (2 0 0; 1 1 1; 1 −1 1; 0 0 2)        and    B = (1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1)ᵀ.
 *
 * All of them are integers. What becomes of inputs lies in −1020 … 1020, and of weights less their zero
 * points in −2295 … 2295, so pairs of them meet in ./dot; what sums are modulo 2³² is right at the end
 * where 4 · y lies in int32, which the host has made sure of. Each of the 16 places of a tile is a matrix
 * product of its own, of a row for each tile of the picture.
 *
 * x keeps its zero point, which padding is filled with; the bias has had xZero · Σ weight taken off.
 */
import { dotPairs } from './dot';
import { edge } from './edge';
import { addRow, Sum } from './elementwise';
import { bytesOf, Output } from './output';
import { panelColumns } from './panel';
import { fillBytes, pairs, stripBytes, tileRows } from './tile';
import { Window } from './window';
import {
  blockBytes,
  cellsBytes,
  tilesAcross,
  tilesDown,
  transformInputs,
  writeCells,
} from './winogradInputs';
import { finishTile, storePixel } from './winogradOutputs';
import { places, unitsOf } from './winogradPanels';

/** Rows of tiles that pass all panels together. */
function rowsOfStrip(window: Window): i32 {
  const rowBytes = <usize>(tilesAcross(window) * places) * (4 * unitsOf(window.channels));
  return max(<i32>(stripBytes / max(rowBytes, 1)), 1);
}

/** Groups of tiles that a register tile has as its rows, of so many rows of tiles. */
// @ts-ignore: decorator
@inline
function groupsOf(window: Window, rows: i32): i32 {
  return (rows * tilesAcross(window) + tileRows(pairs) - 1) / tileRows(pairs);
}

/** Bytes of scratch that `winograd` takes. */
export function winogradScratch(window: Window): usize {
  const rows = min(rowsOfStrip(window), window.batch * tilesDown(window));
  const tiles = <usize>groupsOf(window, rows) * tileRows(pairs);
  const units = unitsOf(window.channels);
  const ofTile = <usize>places * (4 * <usize>units + 4 * panelColumns);
  return tiles * ofTile + blockBytes + cellsBytes + 2 * units + 16;
}

/**
 * The rows of tiles `begin` … `end − 1` of all images. x, y, `output`, `bias`, `multiplier`, `sum` and `residual` are
 * those of ./qconv; `sums` asks ./dot for int32, and `zeros` are eight int32 of 0.
 */
export function winograd(
  window: Window,
  output: Output,
  sums: Output,
  zeros: usize,
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
  const units = unitsOf(window.channels);
  const across = tilesAcross(window);
  const down = tilesDown(window);
  const columns = window.outChannels;
  const strip = min(rowsOfStrip(window), end - begin);
  const groupBytes = 4 * <usize>units * tileRows(pairs);
  const size = bytesOf(output.kind);
  const yStep = <usize>window.yChannels * size;
  const yRow = yStep * window.outWidth;
  const cells = scratch + blockBytes;
  const padding = cells + cellsBytes;
  const inputs = (padding + 2 * <usize>units + 15) & ~15;
  fillBytes(padding, i8x16.splat(<i8>xZero), 2 * units);

  for (let first = begin; first < end; first += strip) {
    const rows = min(strip, end - first);
    const tiles = rows * across;
    const groups = groupsOf(window, rows);
    const inputStep = groupBytes * groups;
    const products = inputs + inputStep * places;
    const productStep = 4 * panelColumns * <usize>(groups * tileRows(pairs));
    for (let group = 0; group < groups; group++) {
      for (let i = 0; i < tileRows(pairs); i++) {
        const tile = first * across + min(group * tileRows(pairs) + i, tiles - 1);
        writeCells(window, cells + 4 * places * <usize>i, x, padding, tile);
      }
      transformInputs(cells, window.channels, scratch, inputs + groupBytes * group, inputStep);
    }
    let panel = weights;
    for (let column = 0; column < columns; column += panelColumns) {
      for (let place = 0; place < places; place++, panel += 4 * panelColumns * units) {
        dotPairs(
          inputs + inputStep * <usize>place,
          groupBytes,
          units,
          groups * tileRows(pairs),
          panel,
          zeros,
          zeros,
          products + productStep * <usize>place,
          4 * panelColumns,
          panelColumns,
          sums,
        );
      }
      const count = min(columns - column, panelColumns);
      const offset = 4 * <usize>column;
      let from = products;
      for (let row = first; row < first + rows; row++) {
        const n = row / down;
        const oy = (row - n * down) << 1;
        const bottom = oy + 1 < window.outHeight;
        let to = y + <usize>(n * window.outHeight + oy) * yRow + <usize>column * size;
        for (let ox = 0; ox < window.outWidth; ox += 2, from += 4 * panelColumns, to += 2 * yStep) {
          const right = ox + 1 < window.outWidth;
          finishTile(from, productStep, bias + offset, multiplier + offset, output);
          storePixel(edge, to, count, size);
          if (right) storePixel(edge + 8 * size, to + yStep, count, size);
          if (bottom) storePixel(edge + 16 * size, to + yRow, count, size);
          if (bottom && right) storePixel(edge + 24 * size, to + yRow + yStep, count, size);
        }
      }
    }
    if (residual == 0) continue;
    for (let row = first; row < first + rows; row++) {
      const n = row / down;
      const oy = (row - n * down) << 1;
      const at = <usize>(n * window.outHeight + oy) * yRow;
      const bytes = <i32>yRow * min(window.outHeight - oy, 2);
      addRow(sum, y + at, residual + at, y + at, bytes, 1, 1);
    }
  }
}
