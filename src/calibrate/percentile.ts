/** Clips a fixed share of the values, the outermost ones. */
import type { Mapping, Range } from '../numerics/index.js';
import type { Collector } from './collector.js';
import { quantile } from './histogram.js';
import { clipRange, maxRange } from './max.js';

/**
 * Keeps `percentile` % of the values, 0 < percentile ≤ 100: those of least magnitude if the target
 * is symmetric or the values have one sign (after a ReLU the end at 0 stays); otherwise half of the
 * clipped share goes at either end.
 */
export function percentileRange(collector: Collector, target: Mapping, percentile: number): Range {
  const kept = percentile / 100;
  const whole = maxRange(collector);
  if (target.symmetric || whole.min === 0 || whole.max === 0) {
    return clipRange(whole, quantile(collector.magnitudes(), kept));
  }
  const histogram = collector.histogram();
  const tail = (1 - kept) / 2;
  return {
    min: Math.min(quantile(histogram, tail), 0),
    max: Math.max(quantile(histogram, 1 - tail), 0),
  };
}
