/**
 * The one definition of rounding and saturation. Everything that turns a real number into an
 * integer goes through these functions, and the native and WASM kernels are tested against them.
 */

/**
 * Adding it to |x| ≤ 2^51 leaves no bits for a fraction, so that the sum is rounded to an integer.
 */
const magic = 1.5 * 2 ** 52;

/**
 * Rounds to the nearest integer, ties to the even one, as IEEE 754's roundTiesToEven and C's
 * nearbyint in the default mode. Takes every double: infinities, NaN and the sign of zero come
 * through. (`Math.round` takes ties towards +∞ and so disagrees at 0.5, 2.5, −1.5 ….)
 */
export function roundHalfEven(x: number): number {
  if (Math.abs(x) <= 2 ** 51) {
    const rounded = roundSmall(x);
    return rounded === 0 ? x * 0 : rounded;
  }
  // Halves exist up to 2^52, where `magic` would leave even numbers only.
  if (Math.abs(x) < 2 ** 52) return x < 0 ? x - 2 ** 52 + 2 ** 52 : x + 2 ** 52 - 2 ** 52;
  return x;
}

/** `roundHalfEven` for inner loops: takes |x| ≤ 2^51 only, and every zero comes back as +0. */
export function roundSmall(x: number): number {
  return x + magic - magic;
}

/**
 * `value` limited to min … max (min ≤ max); NaN becomes `min`, as the vector instructions have it.
 */
export function saturate(value: number, min: number, max: number): number {
  return value > min ? (value < max ? value : max) : min;
}
