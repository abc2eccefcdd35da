/**
 * Two operands that broadcast, folded to rows: y is `count` rows of `columns` elements without
 * gaps; row r of operand a begins `aRow` · r bytes further, and goes along its elements, or repeats
 * the first one where `aStep` is 0. Fields of 32 bits, which the host writes.
 */
@unmanaged
export class Rows {
  count: i32;
  columns: i32;
  aRow: i32;
  bRow: i32;
  aStep: i32;
  bStep: i32;
}
