/**
 * From int32 accumulators to the output's integers: the last step of every integer operator. One
 * float32 multiplication and one rounding, the same in JavaScript, C++ and WASM.
 */
import { OctavoError } from '../core/errors.js';
import { asBits, type Bits, type IntegerArray, limitsOf } from './bits.js';
import { roundSmall, saturate } from './rounding.js';

/**
 * m = f32(f32(sx · sw) / sy): output steps per accumulator step, for the scales of input, weight
 * and output. Throws `INVALID_QUANTIZATION` unless the result is positive and finite.
 */
export function requantizeMultiplier(sx: number, sw: number, sy: number): number {
  const multiplier = Math.fround(Math.fround(sx * sw) / sy);
  if (!(multiplier > 0 && multiplier < Infinity)) {
    throw new OctavoError('INVALID_QUANTIZATION', 'scales give no usable multiplier', {
      expected: 'sx · sw / sy positive and finite in float32',
      found: `${sx} · ${sw} / ${sy}`,
    });
  }
  return multiplier;
}

/**
 * out = clamp(rne(f32(f32(acc) · m)) + zeroPoint, qmin, qmax), with acc the int32 sum and bias.
 *
 * `acc` is [rows, channels], row-major; `multipliers` has one per channel, or one for all. ReLU is
 * folded in by raising `qmin` to the zero point, an upper bound by lowering `qmax`. `out` has as
 * many elements as `acc` and may be `acc` itself; its type must hold qmin … qmax. Throws
 * `INVALID_ARGUMENT` otherwise, and `INVALID_QUANTIZATION` for multipliers that are not positive
 * and finite.
 */
export function requantize<T extends IntegerArray>(
  acc: Int32Array,
  multipliers: Float32Array,
  zeroPoint: number,
  qmin: number,
  qmax: number,
  out: T,
): T {
  checkArguments(acc, multipliers, zeroPoint, qmin, qmax, out);
  const bits = asBits(out);
  if (multipliers.length === 1) {
    requantizeRun(bits, acc, 0, acc.length, multipliers, 0, zeroPoint, qmin, qmax);
  } else {
    const channels = multipliers.length;
    for (let start = 0; start < acc.length; start += channels) {
      requantizeRun(bits, acc, start, start + channels, multipliers, 1, zeroPoint, qmin, qmax);
    }
  }
  return out;
}

function requantizeRun(
  out: Bits,
  acc: Int32Array,
  start: number,
  end: number,
  multipliers: Float32Array,
  step: number,
  zeroPoint: number,
  qmin: number,
  qmax: number,
): void {
  // Limited before rounding: the limits are integers, so that it gives the same, and small numbers.
  const min = qmin - zeroPoint;
  const max = qmax - zeroPoint;
  for (let i = start, channel = 0; i < end; i++, channel += step) {
    // The product of two float32 is exact in a double, so that fround is its only rounding.
    const steps = Math.fround(Math.fround(acc[i]!) * multipliers[channel]!);
    out[i] = roundSmall(saturate(steps, min, max)) + zeroPoint;
  }
}

function checkArguments(
  acc: Int32Array,
  multipliers: Float32Array,
  zeroPoint: number,
  qmin: number,
  qmax: number,
  out: IntegerArray,
): void {
  const fail = (where: string, expected: string, found: number | string): never => {
    throw new OctavoError('INVALID_ARGUMENT', 'cannot requantize', {
      where,
      expected,
      found: String(found),
    });
  };
  const channels = multipliers.length;
  if (channels === 0 || acc.length % channels !== 0) {
    fail('multipliers', `1 or a divisor of ${acc.length}`, channels);
  }
  for (let i = 0; i < channels; i++) {
    const m = multipliers[i]!;
    if (!(m > 0 && m < Infinity)) {
      throw new OctavoError('INVALID_QUANTIZATION', `bad multiplier ${i}`, {
        expected: 'positive and finite',
        found: String(m),
      });
    }
  }
  if (zeroPoint !== (zeroPoint | 0)) fail('zeroPoint', 'a 32-bit integer', zeroPoint);
  const { min, max } = limitsOf(out);
  const held = Number.isInteger(qmin) && Number.isInteger(qmax) && min <= qmin && qmax <= max;
  if (!held || qmin > qmax) {
    fail('qmin, qmax', `integers, ${min} ≤ qmin ≤ qmax ≤ ${max}`, `${qmin}, ${qmax}`);
  }
  if (out.length !== acc.length) fail('out', `${acc.length} elements`, out.length);
}
