import { describe, expect, it } from 'vitest';
import { entropyRange, klDivergences, linearBins } from '../../src/calibrate/entropy.js';
import { Collector, createCalibrator } from '../../src/calibrate/index.js';
import type { Mapping } from '../../src/numerics/index.js';
import { type DistributionName, draw, uniform } from './samples.js';

const seed = 31;
const int8: Mapping = { type: 'int8', symmetric: true };
const uint8: Mapping = { type: 'uint8', symmetric: false };

function collect(data: Float32Array): Collector {
  const collector = new Collector();
  collector.add(data);
  return collector;
}

/** The published procedure, word for word: two distributions are built, then compared. */
function literalDivergence(bins: readonly number[], kept: number, levels: number): number {
  const p = bins.slice(0, kept);
  p[kept - 1]! += bins.slice(kept).reduce((sum, count) => sum + count, 0);

  const q = new Array<number>(kept).fill(0);
  for (let level = 0; level < levels; level++) {
    const start = Math.floor((level * kept) / levels);
    const end = Math.floor(((level + 1) * kept) / levels);
    const merged = bins.slice(start, end);
    const total = merged.reduce((sum, count) => sum + count, 0);
    const filled = merged.filter((count) => count > 0).length;
    merged.forEach((count, i) => {
      if (count > 0) q[start + i] = total / filled;
    });
  }

  const sumP = p.reduce((sum, x) => sum + x, 0);
  const sumQ = q.reduce((sum, x) => sum + x, 0);
  let divergence = 0;
  for (let i = 0; i < kept; i++) {
    if (p[i] === 0) continue;
    if (q[i] === 0) return Number.POSITIVE_INFINITY;
    divergence += (p[i]! / sumP) * Math.log(p[i]! / sumP / (q[i]! / sumQ));
  }
  return divergence;
}

describe('klDivergences', () => {
  const random = uniform(seed);
  const fill = (value: (share: number) => number): number[] =>
    Array.from({ length: 2048 }, (_, i) => Math.round(value(i / 2048)));
  const shapes = {
    flat: fill(() => 1000 * random()),
    exponential: fill((share) => 1e5 * Math.exp(-12 * share) * random()),
    sparse: fill((share) => (random() < 0.3 ? 50 * (1 - share) : 0)),
    spike: fill((share) => (share < 0.001 ? 1e6 : share < 0.2 ? 100 : random() < 0.02 ? 1 : 0)),
    'empty below': fill((share) => (share > 0.5 ? 10 * random() : 0)),
    'only the last': fill((share) => (share > 0.9995 ? 7 : 0)),
  };

  for (const [name, bins] of Object.entries(shapes)) {
    it.each([2, 8, 128, 200, 256, 2000])(`${name}, %i levels: the literal formula`, (levels) => {
      const divergences = klDivergences(Float64Array.from(bins), levels);
      const fewest = Math.max(128, levels);
      expect(divergences.subarray(0, fewest).every((d) => d === Number.POSITIVE_INFINITY)).toBe(
        true,
      );
      for (let kept = fewest; kept <= 2048; kept += kept < 2040 ? 13 : 1) {
        const expected = literalDivergence(bins, kept, levels);
        if (expected === Number.POSITIVE_INFINITY) expect(divergences[kept]).toBe(expected);
        else expect(Math.abs(divergences[kept]! - expected)).toBeLessThan(1e-10);
      }
    });
  }
});

describe('linearBins', () => {
  it.each<DistributionName>(['gaussian', 'postRelu', 'student3', 'shifted', 'uniform'])(
    '%s: the histogram of the values, but for the place inside a bucket',
    (name) => {
      const data = draw(name, 100_000, seed).map(Math.abs).sort();
      const collector = collect(data);
      const magnitudes = collector.magnitudes();
      const bins = linearBins(magnitudes, collector.max);
      expect(bins.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
      expect(bins.reduce((sum, count) => sum + count, 0)).toBe(data.length);
      let found = 0;
      let exact = 0;
      for (let bin = 0; bin < 2047; bin++) {
        const edge = ((bin + 1) / 2048) * collector.max;
        found += bins[bin]!;
        while (data[exact]! < edge) exact++;
        const around = magnitudes.counts.find((_, i) => edge <= magnitudes.upper[i]!)!;
        expect(Math.abs(found - exact), `bin ${bin}`).toBeLessThanOrEqual(around);
      }
    },
  );

  it('puts points into their bin, the one that starts at them', () => {
    const collector = collect(Float32Array.of(0, 0, -1, 4));
    const bins = linearBins(collector.magnitudes(), 4);
    expect([bins[0], bins[2047]]).toEqual([2, 1]);
    // −1 is known to lie in 1 … 1 + 1/64, eight bins: it is put in the middle.
    expect(bins[515]).toBe(1);
  });
});

describe('entropy', () => {
  const literalThreshold = (collector: Collector, levels: number, neutralizeZero: boolean) => {
    const largest = Math.max(-collector.min, collector.max);
    const bins = [...linearBins(collector.magnitudes(), largest)];
    if (neutralizeZero) bins[0] = bins[1]!;
    let best = 2048;
    let least = Number.POSITIVE_INFINITY;
    for (let kept = 2048; kept >= Math.max(levels, 128); kept--) {
      const divergence = literalDivergence(bins, kept, levels);
      // Closer than the arithmetic of either side: take what is there.
      if (divergence < least) [best, least] = [kept, divergence];
    }
    return (best / 2048) * largest;
  };

  it.each<[DistributionName, Mapping, number, boolean]>([
    ['gaussian', int8, 128, true],
    ['laplace', int8, 128, true],
    ['postRelu', int8, 128, true],
    ['postRelu', int8, 128, false],
    ['postRelu', uint8, 256, true],
    ['negative', uint8, 256, true],
    ['uniform', uint8, 256, true],
    ['student3', { type: 'int4', symmetric: true }, 8, true],
  ])('%s to %j takes the threshold of the literal formula', (name, target, levels, zeroRule) => {
    const collector = collect(draw(name, 50_000, seed));
    const { min, max } = entropyRange(collector, target, { neutralizeZero: zeroRule });
    expect(Math.max(-min, max)).toBe(literalThreshold(collector, levels, zeroRule));
  });

  it('neutralizes zero by default', () => {
    const collector = collect(draw('postRelu', 50_000, seed));
    const byDefault = createCalibrator('entropy').range(collector, int8);
    expect(byDefault).toEqual(entropyRange(collector, int8, { neutralizeZero: true }));
    const raw = entropyRange(collector, int8, { neutralizeZero: false });
    expect(raw.max).toBeLessThan(0.6 * byDefault.max);
  });

  it('counts the levels of a lopsided range', () => {
    // 1 below, 9 above: 230 of the 256 integers lie on the longer side.
    const data = draw('uniform', 50_000, seed).map((x) => (x - 0.3) / 0.3);
    const collector = collect(Float32Array.of(...data.subarray(0, 5000), -1, 9));
    const { max } = entropyRange(collector, uint8);
    expect(max).toBe(literalThreshold(collector, 230, true));
  });

  it('keeps the whole range where there are as many levels as bins', () => {
    const collector = collect(draw('student3', 50_000, seed));
    const { min, max } = entropyRange(collector, { type: 'int16', symmetric: true });
    expect({ min, max }).toEqual({ min: collector.min, max: collector.max });
  });
});
