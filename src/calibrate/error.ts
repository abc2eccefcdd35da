/**
 * How much quantizing would change the values of a histogram, without touching them again. The
 * error of a rounded value is a sawtooth whose square integrates in closed form, so a cell costs
 * the same whether it spans a fraction of a step or a hundred steps.
 */
import {
  integerRange,
  type Mapping,
  type Range,
  roundHalfEven,
  type ScaleAndZeroPoint,
} from '../numerics/index.js';
import type { Histogram } from './histogram.js';

/** Lowest and highest integer that `paramsFromRange` maps onto. */
export function codesOf(mapping: Mapping): Range {
  return integerRange(mapping.type, mapping.symmetric ? { ...mapping, narrow: true } : mapping);
}

/**
 * Mean of (x − x̂)² over the values x of the histogram, where x̂ is x quantized with `params` to
 * the integers `codes` and back. Zero when nothing changes.
 */
export function meanSquaredError(
  histogram: Histogram,
  { scale, zeroPoint }: ScaleAndZeroPoint,
  codes: Range,
): number {
  const { lower, upper, counts, total } = histogram;
  const lowest = codes.min - zeroPoint;
  const highest = codes.max - zeroPoint;
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    // In steps: x = code + rest, where the code is the nearest one there is.
    const from = lower[i]! / scale;
    const to = upper[i]! / scale;
    const firstCode = roundHalfEven(Math.min(Math.max(from, lowest), highest));
    const lastCode = roundHalfEven(Math.min(Math.max(to, lowest), highest));
    const first = from - firstCode;
    const last = to - lastCode;
    // The integral of rest² up to code + rest is code / 12 + rest³ / 3: a whole step gives 1 / 12.
    const mean =
      firstCode === lastCode
        ? (first * first + first * last + last * last) / 3
        : ((lastCode - firstCode) / 12 + (last ** 3 - first ** 3) / 3) / (to - from);
    sum += counts[i]! * mean;
  }
  return (sum * scale * scale) / total;
}

/**
 * Share of the values, 0 … 1, that lie more than half a step beyond the integers `codes`: what they lose is more than
 * rounding.
 */
export function clippedShare(
  { lower, upper, counts, total }: Histogram,
  { scale, zeroPoint }: ScaleAndZeroPoint,
  codes: Range,
): number {
  const lowest = (codes.min - zeroPoint - 0.5) * scale;
  const highest = (codes.max - zeroPoint + 0.5) * scale;
  let clipped = 0;
  for (let i = 0; i < counts.length; i++) {
    const [from, to] = [lower[i]!, upper[i]!];
    if (from >= lowest && to <= highest) continue;
    const outside =
      Math.max(Math.min(to, lowest) - from, 0) + Math.max(to - Math.max(from, highest), 0);
    clipped += counts[i]! * (from === to ? 1 : outside / (to - from));
  }
  return clipped / total;
}
