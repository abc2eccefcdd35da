/**
 * The saved form of a collector: "OCTC", a version byte, then whole numbers as LEB128 (7 bits a
 * byte, lowest first): zeros, NaN, infinities, min and max as float32 bits, sum with its sign in
 * the lowest bit, sum of squares, number of pages, and for each page its octave and 64 counts.
 *
 * Snapshots may come from a file, so reading checks every relation that the numbers must obey.
 */
import { OctavoError } from '../core/errors.js';
import { type Cell, signedCells } from './histogram.js';
import { type CollectorState, emptyState, sumUnit } from './state.js';
import { bucketsPerOctave, octavesPerSign } from './tally.js';

const header = [0x4f, 0x43, 0x54, 0x43, 1];
/** Longest number: the sum of squares takes below 298 + 256 + 53 bits. */
const longest = 88;

export function encodeSnapshot(state: CollectorState): Uint8Array {
  const out = [...header];
  for (const value of [state.zeros, state.nan, state.infinite]) put(out, BigInt(value));
  for (const extreme of [state.min, state.max]) put(out, bitsOfFloat(extreme));
  put(out, state.sum < 0n ? (-state.sum << 1n) | 1n : state.sum << 1n);
  put(out, state.sumSquares);
  put(out, BigInt(state.pages.filter((page) => page !== undefined).length));
  state.pages.forEach((page, octave) => {
    if (page === undefined) return;
    put(out, BigInt(octave));
    for (const count of page) put(out, BigInt(count));
  });
  return Uint8Array.from(out);
}

/** Throws `INVALID_CALIBRATION`, naming `where`, on bytes that no collector writes. */
export function decodeSnapshot(bytes: Uint8Array, where: string): CollectorState {
  const check = (condition: boolean, what: string): void => {
    if (!condition) {
      throw new OctavoError('INVALID_CALIBRATION', 'not a saved collector', { where, found: what });
    }
  };
  check(bytes instanceof Uint8Array, 'something other than a Uint8Array');
  check(
    header.every((byte, i) => bytes[i] === byte),
    'another header or version',
  );
  let position = header.length;
  const take = (): bigint => {
    let value = 0n;
    for (let i = 0; i < longest; i++) {
      check(position < bytes.length, 'a cut end');
      const byte = bytes[position++]!;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) {
        check(byte > 0 || i === 0, 'a padded number');
        return value;
      }
    }
    check(false, 'a number too long');
    return value;
  };
  const takeCount = (): number => {
    const value = take();
    check(value <= Number.MAX_SAFE_INTEGER, 'a count too large');
    return Number(value);
  };

  const state = emptyState();
  state.zeros = takeCount();
  state.nan = takeCount();
  state.infinite = takeCount();
  state.min = floatOfBits(takeCount());
  state.max = floatOfBits(takeCount());
  const sum = take();
  state.sum = (sum & 1n) === 1n ? -(sum >> 1n) : sum >> 1n;
  state.sumSquares = take();
  state.count = state.zeros;
  const pages = takeCount();
  let previous = -1;
  for (let i = 0; i < pages; i++) {
    const octave = takeCount();
    const known = octave < 2 * octavesPerSign && octave % octavesPerSign !== octavesPerSign - 1;
    check(octave > previous && known, 'pages out of order');
    previous = octave;
    const page = Float64Array.from({ length: bucketsPerOctave }, takeCount);
    const filed = page.reduce((total, count) => total + count, 0);
    check(filed > 0, 'an empty page');
    state.count += filed;
    state.pages[octave] = page;
  }
  check(position === bytes.length, 'bytes after the end');
  check(state.count + state.nan + state.infinite <= Number.MAX_SAFE_INTEGER, 'counts too large');
  check(extremesFit(state), 'extremes that contradict the counts');
  check(sumsFit(state), 'sums that contradict the counts');
  return state;
}

/** Whether min and max lie in the outermost cells. */
function extremesFit({ pages, zeros, count, min, max }: CollectorState): boolean {
  if (count === 0) return min === Number.POSITIVE_INFINITY && max === Number.NEGATIVE_INFINITY;
  const cells = [...signedCells(pages, zeros)];
  return min <= max && contains(cells[0]!, min) && contains(cells.at(-1)!, max);
}

/**
 * Cells are closed at the end towards zero and open at the other, and hold zero only as a point.
 */
function contains({ lower, upper }: Cell, value: number): boolean {
  if (lower === upper) return Object.is(value, lower);
  if (lower < 0) return value > lower && value <= upper && value < 0;
  return value >= lower && value < upper && value > 0;
}

/** Whether mean and mean square lie within what the extremes allow. */
function sumsFit({ count, min, max, sum, sumSquares }: CollectorState): boolean {
  if (count === 0) return sum === 0n && sumSquares === 0n;
  const n = BigInt(count);
  const [low, high] = [BigInt(min / sumUnit), BigInt(max / sumUnit)];
  const largest = high > -low ? high : -low;
  return (
    n * low <= sum &&
    sum <= n * high &&
    sum * sum <= n * sumSquares &&
    sumSquares <= n * largest * largest
  );
}

function put(out: number[], value: bigint): void {
  while (value > 0x7fn) {
    out.push(Number(value & 0x7fn) | 0x80);
    value >>= 7n;
  }
  out.push(Number(value));
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

function bitsOfFloat(value: number): bigint {
  float[0] = value;
  return BigInt(word[0]!);
}

function floatOfBits(bits: number): number {
  word[0] = bits;
  return float[0]!;
}
