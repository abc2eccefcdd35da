import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Collector } from '../../src/calibrate/index.js';
import { OctavoError } from '../../src/core/errors.js';
import { draw } from './samples.js';

const seed = 5;

function collect(...values: number[]): Collector {
  const collector = new Collector({ nonFinite: 'skip' });
  collector.add(Float32Array.from(values));
  return collector;
}

describe('save and load', () => {
  it.each([
    ['nothing', collect()],
    ['zeros', collect(0, 0, -0)],
    ['one value', collect(-3)],
    ['NaN only', collect(Number.NaN, Number.POSITIVE_INFINITY)],
    ['extreme floats', collect(3.4028235e38, -3.4028235e38, 2 ** -149, -(2 ** -149), 0)],
    ['many values', collect(...draw('student3', 20_000, seed))],
    ['one sign', collect(...draw('negative', 20_000, seed))],
  ])('%s: come back the same and go on the same', (_, collector) => {
    const loaded = Collector.load(collector.save(), { nonFinite: 'skip', name: 'y' });
    expect(loaded.save()).toStrictEqual(collector.save());
    expect(loaded.mean).toBe(collector.mean);
    expect(loaded.name).toBe('y');
    const more = draw('gaussian', 1000, seed);
    loaded.add(more);
    const both = collect();
    both.merge(collector);
    both.add(more);
    expect(loaded.save()).toStrictEqual(both.save());
  });

  it('takes a few kilobytes for a usual tensor', () => {
    expect(collect(...draw('gaussian', 100_000, seed)).save().length).toBeLessThan(8192);
  });

  it('refuses left-out values under the policy error', () => {
    const bytes = collect(1, Number.NaN).save();
    expect(() => Collector.load(bytes, { name: 'z' })).toThrow(/z: .*1 NaN/);
  });
});

describe('bytes that no collector writes', () => {
  const good = collect(...draw('gaussian', 200, seed)).save();
  const load = (bytes: Uint8Array) => Collector.load(bytes, { nonFinite: 'skip', name: 't' });

  /** Loads, or throws Octavo's own error: anything else fails the test. */
  function loads(bytes: Uint8Array): boolean {
    try {
      // What is accepted must be canonical.
      expect(load(bytes).save()).toStrictEqual(bytes);
      return true;
    } catch (error) {
      if (error instanceof OctavoError && error.code === 'INVALID_CALIBRATION') return false;
      throw error;
    }
  }

  it('are refused when cut at any byte, or longer', () => {
    for (let length = 0; length < good.length; length++) {
      expect(loads(good.subarray(0, length)), `${length} bytes`).toBe(false);
    }
    expect(loads(Uint8Array.of(...good, 0))).toBe(false);
    expect(loads(good)).toBe(true);
  });

  it('are refused or read as another valid state when bytes change', () => {
    const property = fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const bytes = good.slice();
        for (const [position, value] of changes) bytes[position] = value;
        loads(bytes);
      },
    );
    fc.assert(property, { seed, numRuns: 1000 });
  });

  // Header, zeros, NaN, infinities, min, max, sum, sum of squares, number of pages.
  const header = [0x4f, 0x43, 0x54, 0x43, 1];
  const float = (x: number): number[] => {
    let bits = new Uint32Array(Float32Array.of(x).buffer)[0]!;
    const out: number[] = [];
    for (; bits > 0x7f; bits = Math.floor(bits / 128)) out.push((bits & 0x7f) | 0x80);
    return [...out, bits];
  };
  const infinities = [...float(Number.POSITIVE_INFINITY), ...float(Number.NEGATIVE_INFINITY)];
  it.each([
    ['a valid empty state', [...header, 0, 0, 0, ...infinities, 0, 0, 0], true],
    ['two valid zeros', [...header, 2, 0, 0, 0, 0, 0, 0, 0], true],
    ['another version', [0x4f, 0x43, 0x54, 0x43, 2, 0, 0, 0, ...infinities, 0, 0, 0], false],
    ['extremes of nothing', [...header, 0, 0, 0, 0, 0, 0, 0, 0], false],
    ['no extremes of something', [...header, 2, 0, 0, ...infinities, 0, 0, 0], false],
    ['a padded number', [...header, 0x82, 0, 0, 0, 0, 0, 0, 0, 0], false],
    ['a sum of zeros', [...header, 2, 0, 0, 0, 0, 2, 1, 0], false],
    ['negative zero as extreme', [...header, 2, 0, 0, ...float(-0), 0, 0, 0, 0], false],
    ['more pages than bytes', [...header, 2, 0, 0, 0, 0, 0, 0, 0xff, 0x7f], false],
    [
      'an empty page',
      [...header, 2, 0, 0, 0, 0, 0, 0, 1, 0, ...new Array<number>(64).fill(0)],
      false,
    ],
    ['an endless number', [...header, ...new Array<number>(200).fill(0xff)], false],
    ['a count above 2^53', [...header, ...new Array<number>(8).fill(0xff), 1], false],
  ])('%s', (_, bytes, valid) => {
    expect(loads(Uint8Array.from(bytes))).toBe(valid);
  });

  it('are refused when they are not bytes', () => {
    expect(() => load('OCTC' as unknown as Uint8Array)).toThrow(OctavoError);
  });
});
