/**
 * From a float32 to an integer of 8 bits, docs ARITHMETIC: clamp(rne(value) + zero, min, max).
 *
 * The value is limited to min − zero … max − zero first, which are integers, so that rounding does
 * not lead out again; NaN becomes min. Adding 1.5 · 2²³ then leaves no bits for a fraction, which
 * rounds half to even and puts the integer into the low bits of the sum.
 */

/**
 * 1.5 · 2²³. Exported, as what is no constant to compilers: of constants they build the vector anew
 * at each use.
 */
export let roundingMagic: f32 = 12582912;
const magicBits: i32 = 0x4b400000;

/** Of `roundTo`: what it adds first. */
// @ts-ignore: decorator
@inline
export function magicOf(): v128 {
  return f32x4.splat(roundingMagic);
}

/** Of `roundTo`: what it adds last. */
// @ts-ignore: decorator
@inline
export function shiftOf(zero: i32): v128 {
  return i32x4.splat(zero - magicBits);
}

/** Of `roundTo`: a bound, before the zero point is added. */
// @ts-ignore: decorator
@inline
export function boundOf(bound: i32, zero: i32): v128 {
  return f32x4.splat(<f32>(bound - zero));
}

/** Four int32 in min … max. */
// @ts-ignore: decorator
@inline
export function roundTo(value: v128, low: v128, high: v128, shift: v128, magic: v128): v128 {
  // a pseudo-maximum is its first operand unless that is less than the second
  const limited = f32x4.pmin(high, f32x4.pmax(low, value));
  return i32x4.add(f32x4.add(limited, magic), shift);
}

/** `roundTo` of f32(accumulator) · multiplier. */
// @ts-ignore: decorator
@inline
export function requantize(
  accumulator: v128,
  multiplier: v128,
  low: v128,
  high: v128,
  shift: v128,
  magic: v128,
): v128 {
  const value = f32x4.mul(f32x4.convert_i32x4_s(accumulator), multiplier);
  return roundTo(value, low, high, shift, magic);
}

/** Eight accumulators as int16. */
// @ts-ignore: decorator
@inline
export function requantizeRow(
  c0: v128,
  c1: v128,
  m0: v128,
  m1: v128,
  low: v128,
  high: v128,
  shift: v128,
  magic: v128,
): v128 {
  return i16x8.narrow_i32x4_s(
    requantize(c0, m0, low, high, shift, magic),
    requantize(c1, m1, low, high, shift, magic),
  );
}
