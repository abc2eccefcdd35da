/** How accumulators become the elements of an output. */

/** Values of `Output.kind`. */
export const toUint8: i32 = 0;
export const toInt32: i32 = 1;
export const toFloat32: i32 = 2;

/**
 * What the host has worked out of a step's parameters: for uint8 the bounds and the shift of
 * `requantize`, for float32 its bounds. Kernels load them where a result is stored, not before:
 * registers are for accumulators.
 */
@unmanaged
export class Output {
  kind: i32;
  shift: i32;
  low: f32;
  high: f32;
  lower: f32;
  upper: f32;
}

/** Bytes of an element. */
// @ts-ignore: decorator
@inline
export function bytesOf(kind: i32): usize {
  return kind == toUint8 ? 1 : 4;
}

// @ts-ignore: decorator
@inline
export function shiftOf(output: Output): v128 {
  return v128.load32_splat(changetype<usize>(output), offsetof<Output>('shift'));
}

// @ts-ignore: decorator
@inline
export function lowOf(output: Output): v128 {
  return v128.load32_splat(changetype<usize>(output), offsetof<Output>('low'));
}

// @ts-ignore: decorator
@inline
export function highOf(output: Output): v128 {
  return v128.load32_splat(changetype<usize>(output), offsetof<Output>('high'));
}

// @ts-ignore: decorator
@inline
export function lowerOf(output: Output): v128 {
  return v128.load32_splat(changetype<usize>(output), offsetof<Output>('lower'));
}

// @ts-ignore: decorator
@inline
export function upperOf(output: Output): v128 {
  return v128.load32_splat(changetype<usize>(output), offsetof<Output>('upper'));
}

/** float32 results: clamp(f32(accumulator) · multiplier, lower, upper), to the bit of a zero's sign. */
// @ts-ignore: decorator
@inline
export function scaled(accumulator: v128, multiplier: v128, lower: v128, upper: v128): v128 {
  const value = f32x4.mul(f32x4.convert_i32x4_s(accumulator), multiplier);
  return f32x4.min(f32x4.max(value, lower), upper);
}

/** 16 int32 in 0 … 255 as uint8. */
// @ts-ignore: decorator
@inline
export function narrowToBytes(q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3));
}
