/**
 * A collector's counts as a list of cells in ascending order, the form every calibrator reads. A
 * cell of equal ends is a point; in any other the values are taken as spread evenly. The smallest
 * and the largest value are known exactly, so each is a point of its own and the cells end there.
 */
import { bucketsPerOctave, octavesPerSign } from './tally.js';

export interface Histogram {
  /** Lower ends, ascending. Cells do not overlap. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Values per cell, each at least 1. */
  readonly counts: Float64Array;
  /** Sum of the counts. */
  readonly total: number;
}

/**
 * Counts of octaves 0 … 511 (sign, then exponent), 64 buckets each; untouched octaves are missing.
 */
export type Pages = readonly (Float64Array | undefined)[];

/** What a histogram is made of: nonzero values by bucket, zeros, and the exact extremes. */
export interface Counts {
  readonly pages: Pages;
  readonly zeros: number;
  readonly min: number;
  readonly max: number;
}

const word = new Int32Array(1);
const float = new Float32Array(word.buffer);

/**
 * Lower end of the magnitudes of a bucket, 0 to 16,320: the float32 whose sign, exponent and six bits of mantissa are its number.
 * The last is 2^128, above every float32.
 */
export function bucketEdge(bucket: number): number {
  word[0] = bucket << 17;
  return Math.min(float[0]!, 2 ** 128);
}

/** Bounds and count of a bucket that is not empty. */
export interface Cell {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** The buckets of all values, ascending; zero is a point. */
export function* signedCells(pages: Pages, zeros: number): Generator<Cell> {
  for (let exponent = octavesPerSign - 1; exponent >= 0; exponent--) {
    const page = pages[octavesPerSign + exponent];
    if (page === undefined) continue;
    for (let i = bucketsPerOctave - 1; i >= 0; i--) {
      if (page[i] === 0) continue;
      const bucket = exponent * bucketsPerOctave + i;
      // 0 − x, because −x would turn 0 into −0.
      const [lower, upper] = [0 - bucketEdge(bucket + 1), 0 - bucketEdge(bucket)];
      yield { lower, upper, count: page[i]! };
    }
  }
  if (zeros > 0) yield { lower: 0, upper: 0, count: zeros };
  for (let exponent = 0; exponent < octavesPerSign; exponent++) {
    const page = pages[exponent];
    if (page === undefined) continue;
    for (let i = 0; i < bucketsPerOctave; i++) {
      if (page[i] === 0) continue;
      const bucket = exponent * bucketsPerOctave + i;
      yield { lower: bucketEdge(bucket), upper: bucketEdge(bucket + 1), count: page[i]! };
    }
  }
}

/** The buckets of all absolute values, ascending. */
function* magnitudeCells(pages: Pages, zeros: number): Generator<Cell> {
  if (zeros > 0) yield { lower: 0, upper: 0, count: zeros };
  for (let exponent = 0; exponent < octavesPerSign; exponent++) {
    const positive = pages[exponent];
    const negative = pages[octavesPerSign + exponent];
    if (positive === undefined && negative === undefined) continue;
    for (let i = 0; i < bucketsPerOctave; i++) {
      const count = (positive?.[i] ?? 0) + (negative?.[i] ?? 0);
      if (count === 0) continue;
      const bucket = exponent * bucketsPerOctave + i;
      yield { lower: bucketEdge(bucket), upper: bucketEdge(bucket + 1), count };
    }
  }
}

/** The values as they are. There must be one at least. */
export function signedHistogram({ pages, zeros, min, max }: Counts): Histogram {
  return fromCells([...signedCells(pages, zeros)], min, max);
}

/** The absolute values. There must be one at least. */
export function magnitudeHistogram({ pages, zeros, min, max }: Counts): Histogram {
  // With both signs present, the magnitude closest to zero is known only by its bucket.
  const closest = min >= 0 ? min : max <= 0 ? 0 - max : undefined;
  return fromCells([...magnitudeCells(pages, zeros)], closest, Math.max(-min, max));
}

/** Cuts the outer cells at the extremes and sets one value apart at each that is known. */
function fromCells(cells: Cell[], min: number | undefined, max: number): Histogram {
  const last = cells.length - 1;
  if (min !== undefined) cells[0] = { ...cells[0]!, lower: min };
  cells[last] = { ...cells[last]!, upper: max };
  cells.splice(last, 1, ...split(cells[last], 'upper'));
  if (min !== undefined) cells.splice(0, 1, ...split(cells[0]!, 'lower'));
  return {
    lower: Float64Array.from(cells, (cell) => cell.lower),
    upper: Float64Array.from(cells, (cell) => cell.upper),
    counts: Float64Array.from(cells, (cell) => cell.count),
    total: cells.reduce((total, cell) => total + cell.count, 0),
  };
}

/** One value at an end of the cell, and the cell with the rest. */
function split(cell: Cell, end: 'lower' | 'upper'): Cell[] {
  const [lower, upper] = [cell[end], cell[end]];
  if (cell.count === 1 || cell.lower === cell.upper) return [{ lower, upper, count: cell.count }];
  const point = { lower, upper, count: 1 };
  const rest = { ...cell, count: cell.count - 1 };
  return end === 'lower' ? [point, rest] : [rest, point];
}

/**
 * The value at a fraction (0 … 1) of the way through the sorted values, interpolated between its
 * two neighbours in rank. 0 is the exact minimum, 1 the exact maximum.
 */
export function quantile(histogram: Histogram, fraction: number): number {
  const rank = fraction * (histogram.total - 1);
  const low = valueOfRank(histogram, Math.floor(rank));
  const high = valueOfRank(histogram, Math.ceil(rank));
  return low + (rank - Math.floor(rank)) * (high - low);
}

/** The values of a cell are taken to stand in the middles of equal parts of it. */
function valueOfRank({ lower, upper, counts }: Histogram, rank: number): number {
  let below = 0;
  let cell = 0;
  while (cell < counts.length - 1 && below + counts[cell]! <= rank) below += counts[cell++]!;
  const share = (rank - below + 0.5) / counts[cell]!;
  return lower[cell]! + share * (upper[cell]! - lower[cell]!);
}
