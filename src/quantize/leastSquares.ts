/**
 * Scales for weights of few bits, or of many channels. With 15 steps the largest weight of a channel is a poor measure of the others: a
 * scale that clips it and rounds the rest more finely loses less.
 */
import { forEachRun, integerRange, type QuantParams } from '../numerics/index.js';

/** Shares of the whole range that are tried: 1, 0.975 … 0.4. */
const shares = Array.from({ length: 25 }, (_, i) => 1 - i / 40);

/** Scales of least Σ (w − ŵ)², part by part, not above those of `params`; zero points stay. */
export function leastSquaresScales(
  data: Float32Array,
  dims: readonly number[],
  params: QuantParams,
): Float32Array {
  const { min, max } = integerRange(params.type, params);
  const best = Float32Array.from(params.scale);
  const least = new Float64Array(best.length).fill(Number.POSITIVE_INFINITY);
  for (const share of shares) {
    const scales = params.scale.map((scale) => scale * share);
    const errors = new Float64Array(best.length);
    forEachRun(dims, params, (start, end, index, step) => {
      for (let i = start, at = index; i < end; i++, at += step) {
        const zero = params.zeroPoint[at]!;
        const steps = data[i]! / scales[at]!;
        const code = Math.min(Math.max(Math.round(steps), min - zero), max - zero);
        errors[at]! += (steps - code) ** 2 * scales[at]! ** 2;
      }
    });
    for (const [at, error] of errors.entries()) {
      // A scale too small for a normal float32 is no choice.
      if (error < least[at]! && scales[at]! >= 2 ** -126) {
        least[at] = error;
        best[at] = scales[at]!;
      }
    }
  }
  return best;
}
