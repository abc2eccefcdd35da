import { describe, expect, it } from 'vitest';
import { bucketEdge } from '../../src/calibrate/histogram.js';
import {
  Collector,
  createCalibrator,
  type Histogram,
  quantile,
} from '../../src/calibrate/index.js';
import { type DistributionName, distributions, draw } from './samples.js';

const seed = 77;
const names = Object.keys(distributions) as DistributionName[];

function collect(data: Float32Array): Collector {
  const collector = new Collector();
  collector.add(data);
  return collector;
}

/** The rank's value by a sort, interpolated between neighbours. */
function exactQuantile(sorted: Float32Array, fraction: number): number {
  const rank = fraction * (sorted.length - 1);
  const low = Math.floor(rank);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (rank - low) * (sorted[high]! - sorted[low]!);
}

function countAround(histogram: Histogram, value: number): number {
  return histogram.counts.find((_, i) => value <= histogram.upper[i]!) ?? 0;
}

describe('bucket edges', () => {
  it('cut each octave into 64 equal parts, subnormals being one octave more', () => {
    const of = (bucket: number) => {
      const [exponent, mantissa] = [Math.floor(bucket / 64), bucket % 64];
      return exponent === 0 ? mantissa * 2 ** -132 : (64 + mantissa) * 2 ** (exponent - 133);
    };
    const buckets = Array.from({ length: 255 * 64 + 1 }, (_, bucket) => bucket);
    expect(buckets.map(bucketEdge)).toEqual(buckets.map(of));
    expect(bucketEdge(255 * 64)).toBe(2 ** 128);
  });
});

describe('cells', () => {
  it.each(names)('%s: ascend without overlap, hold every value, end at the extremes', (name) => {
    const data = draw(name, 50_000, seed);
    const collector = collect(data);
    for (const [histogram, values] of [
      [collector.histogram(), data],
      [collector.magnitudes(), data.map(Math.abs)],
    ] as const) {
      const { lower, upper, counts, total } = histogram;
      const sorted = values.toSorted();
      expect(total).toBe(data.length);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total);
      expect(upper.at(-1)).toBe(sorted.at(-1));
      let next = 0;
      for (let i = 0; i < counts.length; i++) {
        expect(lower[i]).toBeLessThanOrEqual(upper[i]!);
        if (i > 0) expect(lower[i]).toBeGreaterThanOrEqual(upper[i - 1]!);
        expect(sorted[next]).toBeGreaterThanOrEqual(lower[i]!);
        next += counts[i]!;
        expect(sorted[next - 1]).toBeLessThanOrEqual(upper[i]!);
      }
    }
    expect(collector.histogram().lower[0]).toBe(collector.min);
  });

  it.each([
    [[5], [5, 5, 1]],
    [
      [5, 5, 5],
      [5, 5, 3],
    ],
    [
      [-3, -3],
      [-3, -3, 2],
    ],
    [
      [0, 0],
      [0, 0, 2],
    ],
    [
      [1, 1.001],
      [1, 1, 1, Math.fround(1.001), Math.fround(1.001), 1],
    ],
    [
      [-2, 0, 2],
      [-2, -2, 1, 0, 0, 1, 2, 2, 1],
    ],
    [
      [2 ** -149, -(2 ** -149)],
      [-(2 ** -149), -(2 ** -149), 1, 2 ** -149, 2 ** -149, 1],
    ],
  ])('%j are points', (values, expected) => {
    const { lower, upper, counts } = collect(Float32Array.from(values)).histogram();
    expect(Array.from(lower).flatMap((low, i) => [low, upper[i], counts[i]])).toStrictEqual(
      expected,
    );
  });
});

describe('quantile', () => {
  // c values spread at random over a bucket of 1/64 stray from an even spread by 1/128/sqrt(c).
  const enough = 600;

  it.each(names)('%s: within 0.1 percent of a sort in full buckets, a bucket anywhere', (name) => {
    const data = draw(name, 2 ** 19, seed);
    const collector = collect(data);
    let full = 0;
    for (const [histogram, sorted] of [
      [collector.magnitudes(), data.map(Math.abs).sort()],
      [collector.histogram(), data.toSorted()],
    ] as const) {
      for (const percent of [0.001, 0.01, 1, 10, 50, 90, 99, 99.9, 99.99, 99.999]) {
        const expected = exactQuantile(sorted, percent / 100);
        const found = quantile(histogram, percent / 100);
        const isFull = countAround(histogram, expected) >= enough;
        const error = Math.abs(found - expected);
        expect(error, `${percent} %`).toBeLessThanOrEqual(
          (isFull ? 1 / 1000 : 1 / 64) * Math.abs(expected),
        );
        if (isFull) full++;
      }
    }
    expect(full).toBeGreaterThanOrEqual(4);
  });

  it('spreads the values of a cell over its middle', () => {
    const histogram: Histogram = {
      lower: Float64Array.of(-8, 0, 10),
      upper: Float64Array.of(-8, 4, 10),
      counts: Float64Array.of(1, 4, 2),
      total: 7,
    };
    const found = Array.from({ length: 13 }, (_, i) => quantile(histogram, i / 12));
    const expected = [-8, -3.75, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 6.75, 10, 10, 10];
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 10);
  });

  it.each(names)('%s: 0 and 1 are the exact extremes', (name) => {
    const data = draw(name, 5000, seed);
    const collector = collect(data);
    expect(quantile(collector.histogram(), 0)).toBe(collector.min);
    expect(quantile(collector.histogram(), 1)).toBe(collector.max);
  });
});

describe('percentile', () => {
  const data = draw('postRelu', 2 ** 19, seed);
  const percentile = createCalibrator('percentile', { percentile: 99.9 });

  it('keeps the end at 0 of values of one sign', () => {
    const target = { type: 'uint8', symmetric: false } as const;
    const { min, max } = percentile.range(collect(data), target);
    expect(min).toBe(0);
    expect(max / exactQuantile(data.toSorted(), 0.999)).toBeCloseTo(1, 2);
    const mirrored = percentile.range(collect(data.map((x) => -x)), target);
    expect(mirrored).toStrictEqual({ min: -max, max: 0 });
  });

  it('clips half of the share at either end of values of both signs', () => {
    const silu = draw('silu', 2 ** 19, seed);
    const sorted = silu.toSorted();
    const { min, max } = percentile.range(collect(silu), { type: 'uint8', symmetric: false });
    expect(min / exactQuantile(sorted, 0.0005)).toBeCloseTo(1, 2);
    expect(max / exactQuantile(sorted, 0.9995)).toBeCloseTo(1, 2);
  });

  it('goes by magnitude for a symmetric target', () => {
    const silu = draw('silu', 2 ** 19, seed);
    const { min, max } = percentile.range(collect(silu), { type: 'int8', symmetric: true });
    expect(max / exactQuantile(silu.map(Math.abs).sort(), 0.999)).toBeCloseTo(1, 2);
    expect(min).toBe(silu.reduce((a, b) => Math.min(a, b)));
  });

  it('100 is the exact range', () => {
    const silu = draw('silu', 5000, seed);
    const all = createCalibrator('percentile', { percentile: 100 });
    const collector = collect(silu);
    for (const symmetric of [false, true]) {
      const target = { type: 'int8', symmetric } as const;
      expect(all.range(collector, target)).toEqual({ min: collector.min, max: collector.max });
    }
  });
});
