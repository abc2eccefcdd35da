/**
 * The scalar formulas the kernels share. Every operation on float32 values is done in a double and
 * rounded back: for one +, −, ×, ÷ or √ of two float32 that is the correctly rounded float32
 * result.
 */
import { roundHalfEven, saturate } from '../../numerics/rounding.js';

/** clamp(roundHalfEven(f32(acc) · multiplier) + zeroPoint, min, max), docs ARITHMETIC. */
export function requantized(
  accumulator: number,
  multiplier: number,
  zeroPoint: number,
  min: number,
  max: number,
): number {
  return rounded(Math.fround(Math.fround(accumulator) * multiplier), zeroPoint, min, max);
}

/** clamp(roundHalfEven(value) + zeroPoint, min, max); NaN becomes min. */
export function rounded(value: number, zeroPoint: number, min: number, max: number): number {
  return saturate(roundHalfEven(value) + zeroPoint, min, max);
}

/** A float result within its bounds; NaN stays NaN. */
export function bounded(value: number, lower: number, upper: number): number {
  return Math.min(Math.max(value, lower), upper);
}
