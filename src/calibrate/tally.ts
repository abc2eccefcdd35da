/**
 * The hot loop of calibration: one pass over a batch that files every value by its own bits.
 *
 * A bucket is the top 15 bits below the sign (8 of exponent, 6 of mantissa), so buckets need no
 * range chosen beforehand and two tallies add up. Sums are kept per octave (the values that share
 * sign and exponent) as integers of mantissas, which stay exact below 2^53 however the values are
 * ordered.
 */

/** Buckets of one octave. */
export const bucketsPerOctave = 64;
/** Octaves of one sign; the last holds Inf and NaN and stays empty. */
export const octavesPerSign = 256;
/** Most values that one tally takes: sums of 24-bit terms stay below 2^53. */
export const tallyLimit = 2 ** 29;

const infinityBits = 0x7f800000;
const impliedBit = 0x800000;

/** Octave o is exponent o & 255 of sign o >>> 8; its buckets are 64·o … 64·o + 63. */
export interface Tally {
  /** Values per bucket, 32,768 of them. Buckets 0 and 16,384 also count the zeros of their sign. */
  readonly counts: Uint32Array;
  /**
   * Per octave, Σ m, where m is the 24-bit mantissa with its implied bit set (for subnormals too).
   */
  readonly mantissas: Float64Array;
  /** Per octave, Σ floor(m² / 2^24). */
  readonly squaresHigh: Float64Array;
  /** Per octave, Σ m² mod 2^24. */
  readonly squaresLow: Float64Array;
  /** Nonzero values in bucket 0 of each sign, which the zeros share: positive, negative. */
  readonly tiny: Float64Array;
  /** Smallest and largest finite value; +Infinity and −Infinity when there is none. */
  min: number;
  max: number;
  nan: number;
  infinite: number;
  /** Index of the first NaN or infinity, or −1. */
  firstNonFinite: number;
}

export function createTally(): Tally {
  const octaves = 2 * octavesPerSign;
  return {
    counts: new Uint32Array(octaves * bucketsPerOctave),
    mantissas: new Float64Array(octaves),
    squaresHigh: new Float64Array(octaves),
    squaresLow: new Float64Array(octaves),
    tiny: new Float64Array(2),
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    nan: 0,
    infinite: 0,
    firstNonFinite: -1,
  };
}

export function clearTally(tally: Tally): void {
  tally.counts.fill(0);
  tally.mantissas.fill(0);
  tally.squaresHigh.fill(0);
  tally.squaresLow.fill(0);
  tally.tiny.fill(0);
  tally.min = Number.POSITIVE_INFINITY;
  tally.max = Number.NEGATIVE_INFINITY;
  tally.nan = 0;
  tally.infinite = 0;
  tally.firstNonFinite = -1;
}

/** Files at most `tallyLimit` values into an empty tally. */
export function tallyValues(tally: Tally, data: Float32Array): void {
  const { counts, mantissas, squaresHigh, squaresLow, tiny } = tally;
  const words = new Int32Array(data.buffer, data.byteOffset, data.length);
  // Keys are the bits reordered so that they compare as the floats do, −0 below +0.
  let minKey = 0x7fffffff;
  let maxKey = -0x80000000;
  for (let i = 0; i < words.length; i++) {
    const bits = words[i]!;
    const magnitude = bits & 0x7fffffff;
    if (magnitude >= infinityBits) {
      if (tally.firstNonFinite < 0) tally.firstNonFinite = i;
      if (magnitude === infinityBits) tally.infinite++;
      else tally.nan++;
      continue;
    }
    // One comparison that is false for zeros: they are frequent, and would mislead the predictor.
    if ((magnitude - 1) >>> 0 < 0x1ffff) tiny[bits >>> 31]!++;
    const key = bits ^ ((bits >> 31) >>> 1);
    if (key < minKey) minKey = key;
    if (key > maxKey) maxKey = key;
    counts[bits >>> 17]!++;
    const octave = bits >>> 23;
    const mantissa = (bits & 0x7fffff) | impliedBit;
    const square = mantissa * mantissa;
    const high = (square * 2 ** -24) | 0;
    mantissas[octave]! += mantissa;
    squaresHigh[octave]! += high;
    squaresLow[octave]! += square - high * 2 ** 24;
  }
  if (minKey <= maxKey) {
    tally.min = floatOfKey(minKey);
    tally.max = floatOfKey(maxKey);
  }
}

/** Whether an octave holds values, zeros included: each adds at least the implied bit. */
export function isTouched(tally: Tally, octave: number): boolean {
  return tally.mantissas[octave] !== 0;
}

/**
 * The exact sum (in units of 2^-149, negative for octaves of negative values) and sum of squares
 * (in units of 2^-298) of one octave's values.
 */
export function octaveSums(tally: Tally, octave: number): { sum: bigint; squares: bigint } {
  const exponent = octave & 0xff;
  let sum = BigInt(tally.mantissas[octave]!);
  let squares = (BigInt(tally.squaresHigh[octave]!) << 24n) + BigInt(tally.squaresLow[octave]!);
  if (exponent === 0) {
    // Subnormals and zeros have no implied bit: for f = m − 2^23, Σ f² = Σ m² − 2^24 Σ m + n 2^46.
    const start = octave * bucketsPerOctave;
    const filed = tally.counts.subarray(start, start + bucketsPerOctave);
    const n = BigInt(filed.reduce((total, count) => total + count, 0));
    squares += (n << 46n) - (sum << 24n);
    sum -= n << 23n;
  }
  const shift = BigInt(Math.max(exponent, 1) - 1);
  sum <<= shift;
  return { sum: octave < octavesPerSign ? sum : -sum, squares: squares << (2n * shift) };
}

const word = new Int32Array(1);
const float = new Float32Array(word.buffer);

/** The float32 of a key; both zeros give +0. */
function floatOfKey(key: number): number {
  word[0] = key ^ ((key >> 31) >>> 1);
  return float[0]! + 0;
}
