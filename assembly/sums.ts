/** The end of products whose scale comes with the input: sums that become floats where they are. */
import { storeVector } from './edge';

/** Scales of x, and bounds of the results. The host writes the fields. */
@unmanaged
export class Scaling {
  columns: i32;
  /** Whether each row has a scale of its own; else one is for all. */
  perRow: i32;
  lower: f32;
  upper: f32;
}

/**
 * The rows `begin` … `end − 1` of y [rows, columns], int32 that become float32:
 * clamp(f32(s + bias[column]), lower, upper), s being f32(f32(f32(sum) · multiplier[column]) · scale[row]), or with one scale
 * f32(f32(sum) · f32(scale · multiplier[column])). `multiplier` and `bias` are as long as whole vectors.
 */
export function scaleSums(
  scaling: Scaling,
  y: usize,
  multiplier: usize,
  scale: usize,
  bias: usize,
  _scratch: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = <usize>scaling.columns * 4;
  const lower = f32x4.splat(scaling.lower);
  const upper = f32x4.splat(scaling.upper);
  const perRow = scaling.perRow != 0;
  y += <usize>begin * rowBytes;
  for (let row = begin; row < end; row++, y += rowBytes) {
    const ofRow = v128.load32_splat(perRow ? scale + 4 * <usize>row : scale);
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const sum = f32x4.convert_i32x4_s(v128.load(y + i));
      const step = v128.load(multiplier + i);
      const product = perRow
        ? f32x4.mul(f32x4.mul(sum, step), ofRow)
        : f32x4.mul(sum, f32x4.mul(ofRow, step));
      const value = f32x4.add(product, v128.load(bias + i));
      storeVector(y + i, f32x4.min(f32x4.max(value, lower), upper), rowBytes - i);
    }
  }
}
