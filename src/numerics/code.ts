/** The code of one number: what whole tensors are quantized by. */
import { roundSmall, saturate } from './rounding.js';

/**
 * clamp(rne(f32(x / scale)) + zero). Limited before rounding: the limits are integers, so that it gives the same, and
 * small numbers.
 */
export function codeOf(x: number, scale: number, zero: number, min: number, max: number): number {
  return roundSmall(saturate(Math.fround(x / scale), min - zero, max - zero)) + zero;
}
