/** The whole range of the values: nothing is clipped, and one outlier sets the step of all. */
import type { Range } from '../numerics/index.js';
import type { Collector } from './collector.js';

/** From the lowest to the highest value, and 0. */
export function maxRange(collector: Collector): Range {
  return { min: Math.min(collector.min, 0), max: Math.max(collector.max, 0) };
}

/** The part of a range around 0 whose magnitudes do not exceed a threshold. */
export function clipRange({ min, max }: Range, threshold: number): Range {
  return { min: Math.max(min, 0 - threshold), max: Math.min(max, threshold) };
}
