/**
 * Float matrix product. Both operands are walked by strides, in elements, so that a transposed one
 * is as good as another; b becomes panels first, here or, where it is constant, once and for all.
 */
import { dotPanel, panelColumns } from './f32dot';
import { packRows, stripRows, tileBytes, tileRows } from './tile';

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
  const tiles = stripRows(product.depth, 4, product.rows) / tileRows;
  return <usize>tiles * tileBytes(product.depth, 4);
}

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

/** y [rows, columns] = clamp(a · b + bias); `bias` has a whole number of panels. */
export function matMul(
  product: Product,
  a: usize,
  panels: usize,
  bias: usize,
  y: usize,
  scratch: usize,
): void {
  const depth = product.depth;
  const strip = stripRows(depth, 4, product.rows);
  const tileStep = tileBytes(depth, 4);
  const panelBytes = <usize>depth * 4 * panelColumns;
  const yStep = <usize>product.columns * 4;
  for (let first = 0; first < product.rows; first += strip) {
    const rows = min(strip, product.rows - first);
    packRows(a + 4 * first * product.aRow, product.aRow, product.aColumn, depth, rows, scratch);
    for (let column = 0; column < product.columns; column += panelColumns) {
      const panel = panels + <usize>(column / panelColumns) * panelBytes;
      const to = y + <usize>first * yStep + 4 * column;
      const count = min(product.columns - column, panelColumns);
      dotPanel(
        scratch,
        tileStep,
        depth,
        rows,
        panel,
        bias + 4 * column,
        to,
        yStep,
        count,
        product.lower,
        product.upper,
      );
    }
  }
}
