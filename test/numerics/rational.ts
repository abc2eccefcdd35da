/**
 * Exact arithmetic on fractions of BigInts, and from it the rounding of real numbers to float32 and
 * to integers, written from the definition: an independent model of what the fast code does with
 * doubles.
 */

/** numerator / denominator, denominator > 0. */
export type Rational = readonly [numerator: bigint, denominator: bigint];

/** The exact value of a finite double. */
export function exact(x: number): Rational {
  let denominator = 1n;
  while (!Number.isInteger(x)) {
    // Doubling is exact: x has a fraction, so it is far from overflow.
    x *= 2;
    denominator *= 2n;
  }
  return [BigInt(x), denominator];
}

export function times(a: Rational, b: Rational): Rational {
  return [a[0] * b[0], a[1] * b[1]];
}

export function minus(a: Rational, b: Rational): Rational {
  return [a[0] * b[1] - b[0] * a[1], a[1] * b[1]];
}

export function over(a: Rational, b: Rational): Rational {
  const sign = b[0] < 0n ? -1n : 1n;
  return [sign * a[0] * b[1], sign * a[1] * b[0]];
}

/** The nearest integer, ties to even. */
export function nearestInteger([numerator, denominator]: Rational): bigint {
  let floor = numerator / denominator;
  if (numerator % denominator < 0n) floor -= 1n;
  const twice = 2n * (numerator - floor * denominator);
  if (twice < denominator) return floor;
  if (twice > denominator) return floor + 1n;
  return floor % 2n === 0n ? floor : floor + 1n;
}

/**
 * The nearest value with `precision` significant bits and no bit below 2^`lowest`; exact as a
 * double.
 */
function nearestFloat(value: Rational, precision: number, lowest: number): number {
  const [numerator, denominator] = value;
  const magnitude = numerator < 0n ? -numerator : numerator;
  // 2^exponent is the unit in the last place: start no higher than it can be and raise it.
  let exponent = magnitude.toString(2).length - denominator.toString(2).length - precision - 1;
  exponent = Math.max(exponent, lowest);
  for (;;) {
    const unit: Rational =
      exponent < 0 ? [1n, 1n << BigInt(-exponent)] : [1n << BigInt(exponent), 1n];
    const [n, d] = over(value, unit);
    const size = n < 0n ? -n : n;
    if (size < d << BigInt(precision)) return Number(nearestInteger([n, d])) * 2 ** exponent;
    exponent++;
  }
}

/** Nearest float32, ties to even; infinite from halfway beyond the largest. */
export function nearestFloat32(value: Rational): number {
  const nearest = nearestFloat(value, 24, -149);
  return Math.abs(nearest) < 2 ** 128 ? nearest : Math.sign(nearest) * Infinity;
}

/** Nearest float16, ties to even; infinite from halfway beyond the largest. */
export function nearestFloat16(value: Rational): number {
  const nearest = nearestFloat(value, 11, -24);
  return Math.abs(nearest) < 2 ** 16 ? nearest : Math.sign(nearest) * Infinity;
}

/** Nearest bfloat16, ties to even; infinite from halfway beyond the largest. */
export function nearestBfloat16(value: Rational): number {
  const nearest = nearestFloat(value, 8, -133);
  return Math.abs(nearest) < 2 ** 128 ? nearest : Math.sign(nearest) * Infinity;
}
