/**
 * Clips where the quantized distribution of magnitudes says most about the true one: the threshold
 * of least Kullback-Leibler divergence (Migacz, "8-bit Inference with TensorRT", 2017), over a
 * histogram of linear bins.
 *
 * The bin next to zero is replaced by its neighbour. It holds the exact zeros of a ReLU, which any
 * threshold keeps exact; left in, they outweigh all else and drag the threshold towards them.
 */
import type { Mapping, Range } from '../numerics/index.js';
import type { Collector } from './collector.js';
import { codesOf } from './error.js';
import type { Histogram } from './histogram.js';
import { clipRange, maxRange } from './max.js';

/** Linear bins between 0 and the largest magnitude. */
const binCount = 2048;
/** Fewest bins that a threshold may keep. */
const fewestBins = 128;

export interface EntropyOptions {
  /** Whether the bin next to zero is replaced by its neighbour. Default true. */
  readonly neutralizeZero?: boolean;
}

/**
 * A type with as many levels as there are bins (16 bits) has nothing to merge and keeps the whole
 * range.
 */
export function entropyRange(
  collector: Collector,
  target: Mapping,
  { neutralizeZero = true }: EntropyOptions = {},
): Range {
  const whole = maxRange(collector);
  const largest = Math.max(-whole.min, whole.max);
  const levels = levelsOf(whole, target);
  if (levels >= binCount) return whole;
  const bins = linearBins(collector.magnitudes(), largest);
  if (neutralizeZero) bins[0] = bins[1]!;
  const kept = leastDivergence(bins, levels);
  return clipRange(whole, (kept / binCount) * largest);
}

/**
 * Integers that stand for the magnitudes of the longer side: 128 of int8's when symmetric, all 256
 * of uint8's after a ReLU, in between when an affine range is lopsided.
 */
function levelsOf({ min, max }: Range, target: Mapping): number {
  const codes = codesOf(target);
  const largest = Math.max(-min, max);
  const extent = target.symmetric ? 2 * largest : max - min;
  return Math.floor(((codes.max - codes.min) * largest) / extent) + 1;
}

/**
 * Counts of `binCount` equal bins over 0 … largest. Running totals are rounded to whole values, so
 * that bins are empty where a histogram of the values themselves would have them empty.
 */
export function linearBins(magnitudes: Histogram, largest: number): Float64Array {
  const { lower, upper, counts, total } = magnitudes;
  const bins = new Float64Array(binCount);
  let cell = 0;
  let below = 0; // in the cells before `cell`
  let filled = 0; // in the bins before `bin`
  for (let bin = 0; bin < binCount; bin++) {
    const edge = ((bin + 1) / binCount) * largest;
    let reached = total;
    if (bin < binCount - 1) {
      while (upper[cell]! < edge) below += counts[cell++]!;
      const inside = Math.max(edge - lower[cell]!, 0) / (upper[cell]! - lower[cell]! || 1);
      reached = Math.max(filled, Math.round(below + counts[cell]! * Math.min(inside, 1)));
    }
    bins[bin] = reached - filled;
    filled = reached;
  }
  return bins;
}

/** The number of bins to keep, of least divergence; of equal ones the largest. */
function leastDivergence(bins: Float64Array, levels: number): number {
  let best = bins.length;
  let least = Number.POSITIVE_INFINITY;
  const divergences = klDivergences(bins, levels);
  for (let kept = bins.length; kept >= Math.max(fewestBins, levels); kept--) {
    if (divergences[kept]! < least) {
      least = divergences[kept]!;
      best = kept;
    }
  }
  return best;
}

/**
 * Σ P ln(P / Q) at index i for each number i of bins kept, max(128, levels) ≤ i ≤ bins.length; P is
 * bins[0 … i) with all values beyond added to the last; Q is bins[0 … i) alone, merged to `levels`
 * levels, level l from floor(l · i / levels) on, each spread evenly over its bins that are not
 * empty. Both are normalized. Infinite where Q is 0 and P is not. Bins are whole numbers.
 *
 * Q is one number per level, so with running totals a candidate costs one logarithm per level: for
 * counts p of sum N and kept counts of sum M, N Σ P ln(P / Q) = Σ p ln p − Σ p ln q − N ln(N / M).
 */
export function klDivergences(bins: Float64Array, levels: number): Float64Array {
  const size = bins.length;
  const mass = new Float64Array(size + 1);
  const filled = new Float64Array(size + 1);
  const selfTerm = new Float64Array(size + 1);
  for (let i = 0; i < size; i++) {
    mass[i + 1] = mass[i]! + bins[i]!;
    filled[i + 1] = filled[i]! + (bins[i]! > 0 ? 1 : 0);
    selfTerm[i + 1] = selfTerm[i]! + timesLog(bins[i]!);
  }
  const total = mass[size]!;
  const divergences = new Float64Array(size + 1).fill(Number.POSITIVE_INFINITY);
  for (let kept = Math.max(fewestBins, levels); kept <= size; kept++) {
    const inside = mass[kept]!;
    const outliers = total - inside;
    const lastBin = bins[kept - 1]!;
    if (inside === 0 || (outliers > 0 && lastBin === 0)) continue;
    let crossTerm = 0;
    let start = 0;
    for (let level = 1; level <= levels; level++) {
      const end = Math.floor((level * kept) / levels);
      const levelMass = mass[end]! - mass[start]!;
      if (levelMass > 0) {
        const q = levelMass / (filled[end]! - filled[start]!);
        crossTerm += (level === levels ? levelMass + outliers : levelMass) * Math.log(q);
      }
      start = end;
    }
    const ownTerm = selfTerm[kept - 1]! + timesLog(lastBin + outliers);
    divergences[kept] = (ownTerm - crossTerm) / total - Math.log(total / inside);
  }
  return divergences;
}

function timesLog(x: number): number {
  return x > 0 ? x * Math.log(x) : 0;
}
