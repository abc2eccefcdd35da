/**
 * What a collector knows, as plain data. Every field is exact (whole numbers, and float32
 * extremes), so that merging is the same in any order, and equal contents have equal states.
 */
import { octavesPerSign } from './tally.js';

/** Unit of `sum`: the smallest float32. */
export const sumUnit = 2 ** -149;
/** Unit of `sumSquares`: the square of the smallest float32. */
export const squareUnit = 2 ** -298;

export interface CollectorState {
  /** Nonzero finite values by bucket, one page for each octave that has any; see tally.ts. */
  readonly pages: (Float64Array | undefined)[];
  zeros: number;
  nan: number;
  infinite: number;
  /** Finite values, zeros included. */
  count: number;
  /** Smallest and largest finite value, never −0; +Infinity and −Infinity when there is none. */
  min: number;
  max: number;
  /** Fixed point, in units of `sumUnit`. */
  sum: bigint;
  /** Fixed point, in units of `squareUnit`. */
  sumSquares: bigint;
}

export function emptyState(): CollectorState {
  return {
    pages: new Array<Float64Array | undefined>(2 * octavesPerSign).fill(undefined),
    zeros: 0,
    nan: 0,
    infinite: 0,
    count: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    sum: 0n,
    sumSquares: 0n,
  };
}
