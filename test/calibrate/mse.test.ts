import { describe, expect, it } from 'vitest';
import {
  Collector,
  codesOf,
  createCalibrator,
  meanSquaredError,
} from '../../src/calibrate/index.js';
import { type Mapping, paramsFromRange, type Range } from '../../src/numerics/index.js';
import { type DistributionName, distributions, draw, measuredError } from './samples.js';

const seed = 404;
const names = Object.keys(distributions) as DistributionName[];
const targets: Mapping[] = [
  { type: 'int8', symmetric: true },
  { type: 'uint8', symmetric: false },
  { type: 'int8', symmetric: false },
  { type: 'uint8', symmetric: true },
  { type: 'int4', symmetric: true },
  { type: 'uint4', symmetric: false },
  { type: 'uint2', symmetric: false },
];

function collect(data: Float32Array): Collector {
  const collector = new Collector();
  collector.add(data);
  return collector;
}

describe('meanSquaredError', () => {
  const modelled = (data: Float32Array, range: Range, target: Mapping): number =>
    meanSquaredError(collect(data).histogram(), paramsFromRange(range, target), codesOf(target));

  for (const target of [...targets, { type: 'int16', symmetric: true } as const]) {
    it.each(names)(`%s to ${JSON.stringify(target)}: what quantizing the values costs`, (name) => {
      const data = draw(name, 40_000, seed);
      for (const share of [1, 0.7, 0.3, 0.05]) {
        const { min, max } = collect(data);
        const range = { min: share * min, max: share * max };
        const ratio = modelled(data, range, target) / measuredError(data, range, target);
        expect(Math.abs(10 * Math.log10(ratio)), `${share}`).toBeLessThan(0.15);
      }
    });
  }

  it('is exact for points', () => {
    const target = { type: 'uint8', symmetric: false } as const;
    const params = { scale: 0.5, zeroPoint: 10 };
    const error = (...values: number[]) =>
      meanSquaredError(collect(Float32Array.from(values)).histogram(), params, codesOf(target));
    expect(error(0, 0, 0)).toBe(0);
    expect(error(3)).toBe(0);
    expect(error(3.125)).toBe(0.125 ** 2);
    expect(error(-1, 0.75)).toBe(0.25 ** 2 / 2);
    expect(error(-7)).toBe(2 ** 2);
    expect(error(200)).toBe((200 - 122.5) ** 2);
  });

  it('integrates over many steps within a cell', () => {
    // Values 1.0000 … 1.0155 fill one bucket; a step of 2^-12 is a 64th of it.
    const data = Float32Array.from({ length: 4096 }, (_, i) => 1 + i / 4096 / 64);
    const params = { scale: 2 ** -12, zeroPoint: 0 };
    const error = meanSquaredError(collect(data).histogram(), params, { min: 0, max: 65535 });
    expect(error / (2 ** -24 / 12)).toBeCloseTo(1, 2);
  });
});

describe('mse', () => {
  const mse = createCalibrator('mse');

  for (const target of [...targets, { type: 'uint16', symmetric: false } as const]) {
    it.each(names)(`%s to ${JSON.stringify(target)}: no worse than trying every range`, (name) => {
      const collector = collect(draw(name, 20_000, seed));
      const { min, max } = collector;
      const histogram = collector.histogram();
      const error = (range: Range): number =>
        meanSquaredError(histogram, paramsFromRange(range, target), codesOf(target));
      const isTwoSided = !target.symmetric && min < 0 && max > 0;
      const steps = isTwoSided ? 32 : 600;
      const ends = Array.from({ length: steps }, (_, i) => 0.02 ** (i / (steps - 1)));
      let best = Number.POSITIVE_INFINITY;
      for (const high of ends) {
        for (const low of isTwoSided ? ends : [high]) {
          best = Math.min(
            best,
            error({ min: low * Math.min(min, 0), max: high * Math.max(max, 0) }),
          );
        }
      }
      expect(error(mse.range(collector, target)) / best).toBeLessThan(1.005);
    });
  }

  it('clips an outlier that costs less than the steps it would take', () => {
    const data = draw('gaussian', 2 ** 20, seed);
    data[7] = 20;
    const { max } = mse.range(collect(data), { type: 'int8', symmetric: true });
    expect(max).toBeLessThan(6);
  });

  it('keeps an outlier that carries the power', () => {
    const data = draw('gaussian', 10_000, seed);
    data[7] = 1000;
    const { max } = mse.range(collect(data), { type: 'int8', symmetric: true });
    expect(max).toBeGreaterThan(950);
  });

  it('moves the ends apart', () => {
    const data = draw('laplace', 2 ** 18, seed).map((x) => (x < 0 ? x / 50 : x));
    const collector = collect(data);
    const { min, max } = mse.range(collector, { type: 'uint8', symmetric: false });
    expect(max).toBeLessThan(0.95 * collector.max);
    expect(-min).toBeLessThan(0.02 * max + 0.25);
  });
});
