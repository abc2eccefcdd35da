/**
 * Float matrix product. Both operands are walked by strides, in elements, so that a transposed one
 * is as good as another; b becomes panels first, here or, where it is constant, once and for all.
 */
import { dotFloats } from './dot';
import { multiplyFloatRow } from './f32row';
import { panelColumns } from './panel';
import { floats, packRows, packRowsBytes, stripBytesOf, stripRows, tileBytes } from './tile';

/** Sizes, and the strides of a; fields of 32 bits, which the host writes. */
@unmanaged
export class Product {
  rows: i32;
  columns: i32;
  depth: i32;
  aRow: i32;
  aColumn: i32;
  lower: f32;
  upper: f32;
}

/** Bytes of the panels of a [depth, columns] matrix. */
export function matMulPanelBytes(depth: i32, columns: i32): usize {
  return <usize>((columns + panelColumns - 1) / panelColumns) * depth * 4 * panelColumns;
}

/** Bytes of scratch that `matMul` takes. */
export function matMulScratch(product: Product): usize {
  return multiplyRowsScratch(product.depth, product.rows);
}

/** Bytes of scratch that `multiplyRows` takes. */
export function multiplyRowsScratch(depth: i32, rows: i32): usize {
  return stripBytesOf(depth, floats, rows) + packRowsBytes;
}

/** Eight of 0. */
const noBias: usize = memory.data(32, 16);

/** Panels of b, whose element (k, column) lies at k · bRow + column · bColumn. */
export function packPanels(
  b: usize,
  bRow: i32,
  bColumn: i32,
  depth: i32,
  columns: i32,
  to: usize,
): void {
  for (let first = 0; first < columns; first += panelColumns) {
    const count = min(columns - first, panelColumns);
    for (let k = 0; k < depth; k++, to += 4 * panelColumns) {
      const from = b + 4 * (<usize>k * bRow + <usize>first * bColumn);
      if (bColumn == 1 && count == panelColumns) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        continue;
      }
      for (let j = 0; j < panelColumns; j++) {
        store<f32>(to + 4 * j, j < count ? load<f32>(from + 4 * j * bColumn) : 0);
      }
    }
  }
}

/**
 * y [rows, columns] = clamp(a · b + bias) in rows `begin` … `end − 1`; `bias` has a whole number of
 * panels.
 */
export function matMul(
  product: Product,
  a: usize,
  panels: usize,
  bias: usize,
  y: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const columns = product.columns;
  const depth = product.depth;
  const lower = product.lower;
  const upper = product.upper;
  if (product.rows == 1 && product.aColumn == 1) {
    multiplyFloatRow(a, panels, depth, columns, bias, y, lower, upper);
    return;
  }
  const from = a + 4 * <usize>begin * product.aRow;
  const to = y + 4 * <usize>begin * columns;
  multiplyRows(
    from, product.aRow, product.aColumn, end - begin, depth, panels, columns, bias, to, 4 * columns,
    lower, upper, scratch,
  );
}

/**
 * Rows of y, `yStep` bytes apart, = clamp(a · b + bias); there is no bias at address 0. Element (row, k) of a lies at
 * row · aRow + k · aColumn.
 */
export function multiplyRows(
  a: usize,
  aRow: usize,
  aColumn: usize,
  rows: i32,
  depth: i32,
  panels: usize,
  columns: i32,
  bias: usize,
  y: usize,
  yStep: usize,
  lower: f32,
  upper: f32,
  scratch: usize,
): void {
  const strip = stripRows(depth, floats, rows);
  const tileStep = tileBytes(depth, floats);
  const panelBytes = <usize>depth * 4 * panelColumns;
  const biasStep = bias ? 4 * panelColumns : 0;
  const buffer = scratch + stripBytesOf(depth, floats, rows);
  for (let first = 0; first < rows; first += strip) {
    const count = min(strip, rows - first);
    packRows(a + 4 * <usize>first * aRow, aRow, aColumn, depth, count, scratch, buffer);
    let to = y + <usize>first * yStep;
    let panel = panels;
    let start = bias ? bias : noBias;
    for (let column = 0; column < columns; column += panelColumns) {
      const width = min(columns - column, panelColumns);
      dotFloats(scratch, tileStep, depth, count, panel, start, to, yStep, width, lower, upper);
      panel += panelBytes;
      start += biasStep;
      to += 4 * panelColumns;
    }
  }
}
