import { describe, expect, it } from 'vitest';
import {
  type CalibrationMethod,
  Collector,
  calibrationMethods,
  createCalibrator,
} from '../../src/calibrate/index.js';
import { OctavoError } from '../../src/core/errors.js';
import { type Mapping, paramsFromRange } from '../../src/numerics/index.js';
import { type DistributionName, distributions, draw } from './samples.js';

const seed = 12;
const targets: Mapping[] = [
  { type: 'int8', symmetric: true },
  { type: 'uint8', symmetric: false },
  { type: 'int8', symmetric: false },
  { type: 'uint8', symmetric: true },
  { type: 'int4', symmetric: true },
  { type: 'uint16', symmetric: false },
  { type: 'uint8', reduceRange: true },
];
const cases = calibrationMethods.flatMap((method) =>
  targets.map((target) => [method, target] as const),
);

function collect(...values: number[]): Collector {
  const collector = new Collector({ name: 'relu_3' });
  collector.add(Float32Array.from(values));
  return collector;
}

function errorOf(action: () => unknown): OctavoError {
  try {
    action();
  } catch (error) {
    if (error instanceof OctavoError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.each(cases)('%s to %j', (method, target) => {
  const calibrator = createCalibrator(method);

  it.each([
    ['zeros', [0, -0, 0], 0, 0],
    ['a constant', [5, 5, 5, 5], 0, 5],
    ['one value', [-3], -3, 0],
    ['an odd constant', [Math.fround(0.1), Math.fround(0.1)], 0, Math.fround(0.1)],
    ['one subnormal', [2 ** -149], 0, 2 ** -149],
    ['the largest float', [3.4028235e38], 0, Math.fround(3.4028235e38)],
  ])('%s: the exact range', (_, values, min, max) => {
    expect(calibrator.range(collect(...values), target)).toStrictEqual({ min, max });
  });

  it.each<[string, number[]]>([
    ['both extremes of float32', [3.4028235e38, -3.4028235e38, 1, 0]],
    ['subnormals', [2 ** -149, -(2 ** -140), 2 ** -127, 0]],
    ['two neighbours', [1, 1 + 2 ** -23]],
    ['a wide span', [1e-38, 1e38, -1e-20]],
    ['zeros and one value', [...new Array<number>(1000).fill(0), 4]],
    ['a mask', [...new Array<number>(100).fill(-3.4028235e38), ...draw('gaussian', 900, seed)]],
    ...(Object.keys(distributions) as DistributionName[]).map((name): [string, number[]] => [
      name,
      [...draw(name, 3000, seed)],
    ]),
  ])('%s: a range of the values that holds 0 and can be quantized', (_, values) => {
    const collector = collect(...values);
    const { min, max } = calibrator.range(collector, target);
    expect(min).toBeGreaterThanOrEqual(Math.min(collector.min, 0));
    expect(min).toBeLessThanOrEqual(0);
    expect(max).toBeGreaterThanOrEqual(0);
    expect(max).toBeLessThanOrEqual(Math.max(collector.max, 0));
    expect(max - min).toBeGreaterThan(0);
    expect(paramsFromRange({ min, max }, target).scale).toBeGreaterThan(0);
  });

  it('is the same every time', () => {
    const values = [...draw('student3', 3000, seed)];
    const first = calibrator.range(collect(...values), target);
    expect(calibrator.range(collect(...values.toReversed()), target)).toStrictEqual(first);
  });

  it('mirrors values of the other sign', () => {
    const values = [...draw('postRelu', 3000, seed)];
    const { max } = calibrator.range(collect(...values), target);
    const mirrored = calibrator.range(collect(...values.map((x) => -x)), target);
    expect(mirrored.max).toBe(0);
    // Affine types have an odd number of steps, so that only the ends agree, not every rounding.
    expect(-mirrored.min / max).toBeCloseTo(1, 1);
  });

  it('needs values', () => {
    const { code, where } = errorOf(() => calibrator.range(collect(), target));
    expect([code, where]).toEqual(['INVALID_CALIBRATION', 'relu_3']);
  });
});

describe('createCalibrator', () => {
  it('names the calibrator', () => {
    expect(createCalibrator('max').name).toBe('max');
    expect(createCalibrator('percentile').name).toBe('percentile 99.99');
    expect(createCalibrator('percentile', { percentile: 99.9 }).name).toBe('percentile 99.9');
  });

  it.each(['minmax', 'Entropy', '', 'constructor', undefined])('refuses the method %j', (name) => {
    const { code, message } = errorOf(() => createCalibrator(name as CalibrationMethod));
    expect(code).toBe('INVALID_ARGUMENT');
    expect(message).toContain('max, percentile, entropy, mse');
  });

  it.each([0, -1, 100.001, Number.NaN, Number.POSITIVE_INFINITY, '99' as unknown as number])(
    'refuses the percentile %j',
    (percentile) => {
      const { code, where } = errorOf(() => createCalibrator('percentile', { percentile }));
      expect([code, where]).toEqual(['INVALID_ARGUMENT', 'percentile']);
    },
  );

  it.each([0.0001, 50, 100])('takes the percentile %j', (percentile) => {
    const calibrator = createCalibrator('percentile', { percentile });
    for (const target of targets) {
      const { min, max } = calibrator.range(collect(...draw('shifted', 1000, seed)), target);
      expect(max).toBeGreaterThanOrEqual(min);
    }
  });

  it('refuses options of other methods, and unknown ones', () => {
    for (const method of ['max', 'entropy', 'mse'] as const) {
      expect(errorOf(() => createCalibrator(method, { percentile: 99 })).where).toBe('percentile');
      expect(createCalibrator(method, { percentile: undefined }).name).toBe(method);
    }
    const bins = { bins: 128 } as Record<string, number>;
    expect(errorOf(() => createCalibrator('percentile', bins)).where).toBe('bins');
  });

  it.each(['int1', 'int32', 'float16'])('no range is chosen for %s', (type) => {
    const target = { type } as Mapping;
    const { code } = errorOf(() => createCalibrator('mse').range(collect(1, 2), target));
    expect(code).toBe('UNSUPPORTED_TYPE');
  });
});
