/**
 * To and from the convention of papers that multiply where Octavo divides. Octavo itself says
 * `scale` everywhere; nothing but this file knows a multiplier per real unit.
 */
import { OctavoError } from '../core/errors.js';
import { integerRange, type QuantizedType, type ScaleAndZeroPoint } from './params.js';

/**
 * The multiplier convention of Wu et al. 2020 ("Integer Quantization for Deep Learning Inference"):
 * q = clamp(round(s · x + z)), so real = (q − z) / s.
 */
export interface MultiplierAndZeroPoint {
  /** Integer steps per real unit: 1 / scale. */
  readonly s: number;
  /** The integer that stands for real zero: the zero point. */
  readonly z: number;
}

/**
 * Into the multiplier convention. For a B-bit signed integer, −2^(B−1) … 2^(B−1) − 1, and real
 * values min … max,
 *
 *     s = (2^B − 1) / (max − min)        z = −round(min · s) − 2^(B−1)
 *
 * Three mistakes are common in print: 2^B + 1 for 2^B − 1 (there are 2^B integers, hence 2^B − 1
 * steps between them), max for min in z (which sends min outside the integers), and −2^B for the
 * lowest integer −2^(B−1). `s` is a double, precise enough for `fromMultiplier` to give back the
 * same float32 scale.
 */
export function toMultiplier({ scale, zeroPoint }: ScaleAndZeroPoint): MultiplierAndZeroPoint {
  requireScale('scale', scale);
  return { s: 1 / scale, z: zeroPoint };
}

/**
 * Out of the multiplier convention. Throws `INVALID_QUANTIZATION` when 1 / s is no positive, finite
 * float32, or z no integer of `type`.
 */
export function fromMultiplier(
  { s, z }: MultiplierAndZeroPoint,
  type: QuantizedType,
): ScaleAndZeroPoint {
  const scale = Math.fround(1 / s);
  requireScale('1 / s', scale);
  const { min, max } = integerRange(type);
  if (!Number.isInteger(z) || z < min || z > max) {
    throw new OctavoError('INVALID_QUANTIZATION', 'bad zero point', {
      where: 'z',
      expected: `an integer from ${min} to ${max}`,
      found: String(z),
    });
  }
  return { scale, zeroPoint: z };
}

function requireScale(where: string, scale: number): void {
  if (!(scale > 0 && scale < Infinity)) {
    throw new OctavoError('INVALID_QUANTIZATION', 'bad scale', {
      where,
      expected: 'positive and finite',
      found: String(scale),
    });
  }
}
