/**
 * Clips where the values change least: the range of least E[(x − x̂)²] for the target's real scale
 * and zero point. A grid of thresholds finds the valley and finer grids its floor; the error is
 * jagged in the threshold, so a method that follows slopes would stop at the first notch.
 */
import { type Mapping, paramsFromRange, type Range } from '../numerics/index.js';
import type { Collector } from './collector.js';
import { codesOf, meanSquaredError } from './error.js';
import { type Histogram, quantile } from './histogram.js';
import { clipRange, maxRange } from './max.js';

/** Thresholds of the first grid, log-spaced: for both ends at once, then for one end at a time. */
const jointGrid = 100;
const endGrid = 40;
/** Thresholds of each finer grid, and how many of those follow. */
const fineGrid = 16;
const refinements = 2;
/** Smallest threshold, as a share of the largest. */
const smallestShare = 2 ** -32;

export function mseRange(collector: Collector, target: Mapping): Range {
  const whole = maxRange(collector);
  const { min, max } = whole;
  const histogram = collector.histogram();
  const codes = codesOf(target);
  const errorOf = (range: Range): number =>
    meanSquaredError(histogram, paramsFromRange(range, target), codes);

  let best = whole;
  let least = errorOf(best);
  const improve = (
    rangeOf: (threshold: number) => Range,
    smallest: number,
    largest: number,
    points: number,
  ): void => {
    search(smallest, largest, points, (threshold) => {
      const range = rangeOf(threshold);
      const error = errorOf(range);
      if (error < least) {
        least = error;
        best = range;
      }
      return error;
    });
  };

  const count = collector.count - collector.zeroCount;
  improve(
    (threshold) => clipRange(whole, threshold),
    upperHalf(collector.magnitudes(), count),
    Math.max(-min, max),
    jointGrid,
  );
  if (target.symmetric || min === 0 || max === 0) return best;

  const negatives = countBelowZero(histogram);
  const smallestHigh = upperHalf(histogram, count - negatives);
  const smallestLow = -quantile(histogram, negatives / 2 / histogram.total);
  const { min: low } = best;
  improve((high) => ({ min: low, max: high }), smallestHigh, max, endGrid);
  const { max: high } = best;
  improve((low) => ({ min: -low, max: high }), smallestLow, -min, endGrid);
  return best;
}

/** The middle of the `count` largest values: no format gains from clipping more than half. */
function upperHalf(histogram: Histogram, count: number): number {
  return quantile(histogram, 1 - count / 2 / histogram.total);
}

function countBelowZero({ lower, counts }: Histogram): number {
  return counts.reduce((sum, count, i) => (lower[i]! < 0 ? sum + count : sum), 0);
}

/** Tries thresholds largest … smallest, then ever closer around the best. */
function search(
  smallest: number,
  largest: number,
  points: number,
  errorOf: (threshold: number) => number,
): void {
  let from = largest;
  let to = Math.max(smallest, largest * smallestShare);
  for (let round = 0; round <= refinements; round++) {
    const ratio = (to / from) ** (1 / (points - 1));
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < points; i++) {
      const error = errorOf(from * ratio ** i);
      if (error < least) {
        least = error;
        best = i;
      }
    }
    [from, to] = [
      from * ratio ** Math.max(best - 1, 0),
      from * ratio ** Math.min(best + 1, points - 1),
    ];
    points = fineGrid;
  }
}
