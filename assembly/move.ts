/** Moves of elements: rows from one stride to another, and the transpose of a matrix. */

/** Copies `rows` rows of `bytes` bytes, `xStep` bytes apart in x and `yStep` in y. */
export function copyRows(
  x: usize,
  xStep: usize,
  y: usize,
  yStep: usize,
  rows: i32,
  bytes: usize,
): void {
  for (; rows > 0; rows--, x += xStep, y += yStep) {
    if (bytes >= 256) {
      memory.copy(y, x, bytes);
      continue;
    }
    let i: usize = 0;
    for (; i + 16 <= bytes; i += 16) v128.store(y + i, v128.load(x + i));
    for (; i + 4 <= bytes; i += 4) store<u32>(y + i, load<u32>(x + i));
    for (; i < bytes; i++) store<u8>(y + i, load<u8>(x + i));
  }
}

/**
 * y [columns, rows] = x [rows, columns], of elements of `size` bytes: 1, 2, 4 or 8. Rows of x are
 * `xRow` bytes apart, columns `xColumn`.
 */
export function transpose(
  x: usize,
  xRow: usize,
  xColumn: usize,
  y: usize,
  rows: i32,
  columns: i32,
  size: usize,
): void {
  if (size == 1) transposeElements<u8>(x, xRow, xColumn, y, rows, columns);
  else if (size == 2) transposeElements<u16>(x, xRow, xColumn, y, rows, columns);
  else if (size == 8) transposeElements<u64>(x, xRow, xColumn, y, rows, columns);
  else if (xColumn == 4) transposeWords(x, xRow, y, rows, columns);
  else transposeElements<u32>(x, xRow, xColumn, y, rows, columns);
}

function transposeElements<T>(
  x: usize,
  xRow: usize,
  xColumn: usize,
  y: usize,
  rows: i32,
  columns: i32,
): void {
  for (; columns > 0; columns--, x += xColumn) {
    let from = x;
    for (let row = rows; row > 0; row--, from += xRow, y += sizeof<T>()) {
      store<T>(y, load<T>(from));
    }
  }
}

/** The same for words that are neighbours, in blocks of 4 × 4. */
function transposeWords(x: usize, xRow: usize, y: usize, rows: i32, columns: i32): void {
  const yStep = <usize>rows * 4;
  let column = 0;
  for (; column + 4 <= columns; column += 4, x += 16, y += 4 * yStep) {
    let from = x;
    let to = y;
    let row = 0;
    for (; row + 4 <= rows; row += 4, from += 4 * xRow, to += 16) {
      const a = v128.load(from);
      const b = v128.load(from + xRow);
      const c = v128.load(from + 2 * xRow);
      const d = v128.load(from + 3 * xRow);
      const lowAB = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
      const highAB = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
      const lowCD = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
      const highCD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<u64>(lowAB, lowCD, 0, 2));
      v128.store(to + yStep, v128.shuffle<u64>(lowAB, lowCD, 1, 3));
      v128.store(to + 2 * yStep, v128.shuffle<u64>(highAB, highCD, 0, 2));
      v128.store(to + 3 * yStep, v128.shuffle<u64>(highAB, highCD, 1, 3));
    }
    for (; row < rows; row++, from += xRow, to += 4) {
      const values = v128.load(from);
      v128.store32_lane(to, values, 0);
      v128.store32_lane(to + yStep, values, 1);
      v128.store32_lane(to + 2 * yStep, values, 2);
      v128.store32_lane(to + 3 * yStep, values, 3);
    }
  }
  transposeElements<u32>(x, xRow, 4, y, rows, columns - column);
}
