/**
 * Signal over quantization noise of each method on known distributions, by quantizing the values.
 *
 * The column max depends on the largest value of a sample alone and varies by several dB from
 * sample to sample. So the samples are the first four (by seed) whose max comes within 0.2 dB of
 * the table's, and the other columns are compared by their median.
 */
import { describe, expect, it } from 'vitest';
import { entropyRange } from '../../src/calibrate/entropy.js';
import { type CalibrationMethod, Collector, createCalibrator } from '../../src/calibrate/index.js';
import type { Mapping } from '../../src/numerics/index.js';
import { type DistributionName, draw, measuredSqnr } from './samples.js';

const int8: Mapping = { type: 'int8', symmetric: true };
const uint8: Mapping = { type: 'uint8', symmetric: false };
const size = 2 ** 19;
const methods = ['max', 'entropy', 'mse', 'percentile'] as const;

const table: [DistributionName, number[], Record<(typeof methods)[number], number>][] = [
  ['gaussian', [5, 9, 10, 11], { max: 39.2, entropy: 39.8, mse: 40.3, percentile: 40.3 }],
  ['laplace', [9, 17, 24, 33], { max: 32.4, entropy: 34.3, mse: 34.4, percentile: 35.1 }],
  ['postRelu', [2, 23, 31, 46], { max: 40.1, entropy: 40.1, mse: 40.8, percentile: 40.4 }],
  ['student3', [33, 86, 94, 126], { max: 19.9, entropy: 19, mse: 23, percentile: 20.5 }],
];

function collect(data: Float32Array): Collector {
  const collector = new Collector();
  collector.add(data);
  return collector;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

describe.each(table)('%s', (name, seeds, expected) => {
  const samples = seeds.map((seed) => {
    const data = draw(name, size, seed);
    const collector = collect(data);
    const sqnr = (method: CalibrationMethod, target: Mapping): number =>
      measuredSqnr(data, createCalibrator(method).range(collector, target), target);
    return Object.fromEntries(methods.map((method) => [method, sqnr(method, int8)])) as Record<
      (typeof methods)[number],
      number
    >;
  });

  it.each(methods)('%s as measured before', (method) => {
    const found = median(samples.map((sample) => sample[method]));
    expect(Math.abs(found - expected[method]), `found ${found}`).toBeLessThan(0.75);
  });

  it('mse is never clearly worse than another method', () => {
    for (const sample of samples) {
      for (const method of methods) expect(sample.mse).toBeGreaterThan(sample[method] - 0.05);
    }
  });
});

describe('after a ReLU', () => {
  const data = draw('postRelu', size, 23);
  const collector = collect(data);

  it('entropy without the zero rule is ruinous', () => {
    const raw = entropyRange(collector, int8, { neutralizeZero: false });
    const found = measuredSqnr(data, raw, int8);
    const ruled = measuredSqnr(data, entropyRange(collector, int8), int8);
    expect(found).toBeLessThan(22);
    expect(ruled - found).toBeGreaterThan(15);
  });

  it('affine unsigned integers gain 6 dB on signed ones, more than any method', () => {
    for (const method of methods) {
      const calibrator = createCalibrator(method);
      const signed = measuredSqnr(data, calibrator.range(collector, int8), int8);
      const unsigned = measuredSqnr(data, calibrator.range(collector, uint8), uint8);
      if (method === 'percentile') expect(unsigned - signed).toBeGreaterThan(3);
      else expect(Math.abs(unsigned - signed - 6)).toBeLessThan(1);
    }
  });
});
