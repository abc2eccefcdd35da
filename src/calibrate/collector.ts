/**
 * Watches the values of one tensor: one pass, bounded memory, no range chosen beforehand. Batches
 * may come in any order and be split over any number of collectors; merged, they equal one
 * collector that saw everything, bit for bit. That holds because all state is exact: counts are
 * whole numbers, and the sums are fixed-point integers wide enough for every float32, which no
 * order of adding rounds.
 *
 * Memory is a 512-byte page for each octave met: some tens of kilobytes for a usual tensor.
 */
import { OctavoError } from '../core/errors.js';
import { type Histogram, magnitudeHistogram, signedHistogram } from './histogram.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';
import { type CollectorState, emptyState, squareUnit, sumUnit } from './state.js';
import {
  bucketsPerOctave,
  clearTally,
  createTally,
  isTouched,
  octaveSums,
  octavesPerSign,
  tallyLimit,
  tallyValues,
} from './tally.js';

export interface CollectorOptions {
  /** The tensor's name, for messages. */
  readonly name?: string;
  /**
   * What NaN and infinities do: throw `INVALID_CALIBRATION` (the default), or be left out and
   * counted.
   */
  readonly nonFinite?: 'error' | 'skip';
}

// One scratch for all collectors: it is empty between calls of add.
const scratch = createTally();
const firstNegative = octavesPerSign * bucketsPerOctave;

export class Collector {
  readonly name: string;
  readonly nonFinite: 'error' | 'skip';
  #state: CollectorState = emptyState();

  /** Throws `INVALID_ARGUMENT` for a policy other than 'error' and 'skip'. */
  constructor({ name = 'tensor', nonFinite = 'error' }: CollectorOptions = {}) {
    if (nonFinite !== 'error' && nonFinite !== 'skip') {
      throw new OctavoError('INVALID_ARGUMENT', 'unknown policy for NaN and infinities', {
        where: 'nonFinite',
        expected: "'error' or 'skip'",
        found: String(nonFinite),
      });
    }
    this.name = name;
    this.nonFinite = nonFinite;
  }

  /** Finite values seen. */
  get count(): number {
    return this.#state.count;
  }

  /** Values equal to zero, of either sign. */
  get zeroCount(): number {
    return this.#state.zeros;
  }

  /** NaN left out; always 0 under the policy 'error'. */
  get nanCount(): number {
    return this.#state.nan;
  }

  /** Infinities left out; always 0 under the policy 'error'. */
  get infiniteCount(): number {
    return this.#state.infinite;
  }

  /** Exact smallest finite value, never −0; +Infinity before the first. */
  get min(): number {
    return this.#state.min;
  }

  /** Exact largest finite value, never −0; −Infinity before the first. */
  get max(): number {
    return this.#state.max;
  }

  /** Mean of the finite values, from their exact sum; NaN before the first. */
  get mean(): number {
    return (Number(this.#state.sum) * sumUnit) / this.#state.count;
  }

  /** Mean square of the finite values (the power of the signal), from the exact sum of squares. */
  get meanSquare(): number {
    return (Number(this.#state.sumSquares) * squareUnit) / this.#state.count;
  }

  /**
   * Takes in a batch, in any shape. Throws `INVALID_CALIBRATION` on NaN or infinity under the
   * policy 'error', and then leaves the collector as it was.
   */
  add(data: Float32Array): void {
    if (!(data instanceof Float32Array)) {
      throw new OctavoError('INVALID_CALIBRATION', 'values of the wrong form', {
        where: this.name,
        expected: 'Float32Array',
        found: Object.prototype.toString.call(data).slice(8, -1),
      });
    }
    if (data.length > tallyLimit) {
      throw new OctavoError('LIMIT_EXCEEDED', 'too many values in one batch', {
        where: this.name,
        expected: `at most ${tallyLimit}`,
        found: String(data.length),
      });
    }
    try {
      tallyValues(scratch, data);
    } catch (cause) {
      // The only array that cannot be viewed is one whose buffer was transferred.
      throw new OctavoError('INVALID_CALIBRATION', 'values that are gone', {
        where: this.name,
        expected: 'a Float32Array in use',
        found: 'one with a detached buffer',
        cause,
      });
    }
    try {
      const { nan, infinite, firstNonFinite } = scratch;
      if (this.nonFinite === 'error' && firstNonFinite >= 0) {
        throw new OctavoError('INVALID_CALIBRATION', 'calibration data is not finite', {
          where: this.name,
          expected: "finite values (nonFinite: 'skip' leaves the others out)",
          found: `${nan} NaN and ${infinite} infinite, the first at element ${firstNonFinite}`,
        });
      }
      const finite = data.length - nan - infinite;
      this.#checkTotal(finite, nan, infinite);
      this.#takeScratch(finite);
    } finally {
      clearTally(scratch);
    }
  }

  /**
   * Takes in all that `other` has seen; `other` stays as it is. Throws `INVALID_CALIBRATION` when
   * `other` left values out and this collector's policy is 'error'.
   */
  merge(other: Collector): void {
    const from = other.#state;
    if (this.nonFinite === 'error' && from.nan + from.infinite > 0) {
      throw new OctavoError('INVALID_CALIBRATION', 'merged data is not finite', {
        where: this.name,
        expected: "finite values (nonFinite: 'skip' leaves the others out)",
        found: `${from.nan} NaN and ${from.infinite} infinite`,
      });
    }
    this.#checkTotal(from.count, from.nan, from.infinite);
    const into = this.#state;
    from.pages.forEach((page, octave) => {
      if (page !== undefined) addToPage(into.pages, octave, page);
    });
    into.zeros += from.zeros;
    into.nan += from.nan;
    into.infinite += from.infinite;
    into.count += from.count;
    into.min = Math.min(into.min, from.min);
    into.max = Math.max(into.max, from.max);
    into.sum += from.sum;
    into.sumSquares += from.sumSquares;
  }

  /** The values by magnitude and sign. Throws `INVALID_CALIBRATION` when there are none. */
  histogram(): Histogram {
    this.requireValues();
    return signedHistogram(this.#state);
  }

  /** The absolute values. Throws `INVALID_CALIBRATION` when there are none. */
  magnitudes(): Histogram {
    this.requireValues();
    return magnitudeHistogram(this.#state);
  }

  /** The state in a few kilobytes, for another thread or a later run; equal states, equal bytes. */
  save(): Uint8Array {
    return encodeSnapshot(this.#state);
  }

  /**
   * A collector with a saved state. Throws `INVALID_CALIBRATION` on bytes that `save` cannot make.
   */
  static load(bytes: Uint8Array, options: CollectorOptions = {}): Collector {
    const saved = new Collector({ ...options, nonFinite: 'skip' });
    saved.#state = decodeSnapshot(bytes, saved.name);
    const collector = new Collector(options);
    collector.merge(saved);
    return collector;
  }

  /** Throws `INVALID_CALIBRATION` unless a finite value was seen. */
  requireValues(): void {
    if (this.#state.count === 0) {
      throw new OctavoError('INVALID_CALIBRATION', 'no calibration data', {
        where: this.name,
        expected: 'at least one finite value',
        found: `none, ${this.nanCount} NaN, ${this.infiniteCount} infinite`,
      });
    }
  }

  #checkTotal(count: number, nan: number, infinite: number): void {
    const state = this.#state;
    const total = state.count + state.nan + state.infinite + count + nan + infinite;
    if (total > Number.MAX_SAFE_INTEGER) {
      throw new OctavoError('LIMIT_EXCEEDED', 'more values than can be counted', {
        where: this.name,
        expected: `at most ${Number.MAX_SAFE_INTEGER}`,
        found: String(total),
      });
    }
  }

  #takeScratch(finite: number): void {
    const state = this.#state;
    const { counts, tiny } = scratch;
    for (let octave = 0; octave < 2 * octavesPerSign; octave++) {
      if (!isTouched(scratch, octave)) continue;
      const { sum, squares } = octaveSums(scratch, octave);
      state.sum += sum;
      state.sumSquares += squares;
    }
    // From here on the zeros stand apart from the subnormals that share their buckets.
    state.zeros += counts[0]! - tiny[0]! + (counts[firstNegative]! - tiny[1]!);
    counts[0] = tiny[0]!;
    counts[firstNegative] = tiny[1]!;
    for (let octave = 0; octave < 2 * octavesPerSign; octave++) {
      if (!isTouched(scratch, octave)) continue;
      const start = octave * bucketsPerOctave;
      addToPage(state.pages, octave, counts.subarray(start, start + bucketsPerOctave));
    }
    state.count += finite;
    state.nan += scratch.nan;
    state.infinite += scratch.infinite;
    state.min = Math.min(state.min, scratch.min);
    state.max = Math.max(state.max, scratch.max);
  }
}

/** A page exists when one of its buckets is not empty, and only then. */
function addToPage(
  pages: (Float64Array | undefined)[],
  octave: number,
  counts: Uint32Array | Float64Array,
): void {
  if (counts.every((count) => count === 0)) return;
  pages[octave] ??= new Float64Array(bucketsPerOctave);
  const page = pages[octave];
  for (let i = 0; i < bucketsPerOctave; i++) page[i]! += counts[i]!;
}
