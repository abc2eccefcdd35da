import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Collector, createCalibrator } from '../../src/calibrate/index.js';
import { OctavoError } from '../../src/core/errors.js';
import { type DistributionName, distributions, draw, uniform } from './samples.js';

const seed = 20_240;

function collect(batches: Iterable<Float32Array>, options = {}): Collector {
  const collector = new Collector(options);
  for (const batch of batches) collector.add(batch);
  return collector;
}

/** Everything observable, compared with Object.is. */
function observe(collector: Collector) {
  const { count, zeroCount, nanCount, infiniteCount, min, max, mean, meanSquare } = collector;
  const seen = { count, zeroCount, nanCount, infiniteCount, min, max, mean, meanSquare };
  const bytes = collector.save();
  if (count === 0) return { ...seen, bytes };
  const target = { type: 'uint8', symmetric: false } as const;
  return {
    ...seen,
    bytes,
    histogram: collector.histogram(),
    magnitudes: collector.magnitudes(),
    entropy: createCalibrator('entropy').range(collector, target),
    mse: createCalibrator('mse').range(collector, target),
  };
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof OctavoError) return error.code;
    throw error;
  }
  return undefined;
}

/** Any of the 2^32 bit patterns, with the rare regions made frequent. */
const anyFloat = fc
  .oneof(
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.constantFrom(0, 0x80000000, 1, 0x80000001, 0x1ffff, 0x20000, 0x7f7fffff, 0xff7fffff),
    fc.constantFrom(0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x3f800000, 0xbf800000),
    fc.integer({ min: 0x3f000000, max: 0x40800000 }),
  )
  .map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]!);

describe('merge', () => {
  it('equals one collector that saw everything, for any split, order and tree of merges', () => {
    const property = fc.property(
      fc.array(anyFloat, { maxLength: 300 }),
      fc.integer(),
      fc.integer({ min: 1, max: 7 }),
      (values, shuffleSeed, parts) => {
        const options = { nonFinite: 'skip' };
        const whole = collect([Float32Array.from(values)], options);

        const random = uniform(shuffleSeed);
        const shuffled = values
          .map((value) => ({ value, key: random() }))
          .sort((a, b) => a.key - b.key);
        const collectors = Array.from(
          { length: parts },
          () => new Collector({ nonFinite: 'skip' }),
        );
        for (let i = 0; i < shuffled.length; ) {
          const end = i + 1 + Math.floor(random() * 40);
          const batch = Float32Array.from(shuffled.slice(i, end), ({ value }) => value);
          collectors[Math.floor(random() * parts)]!.add(batch);
          i = end;
        }
        while (collectors.length > 1) {
          const [from] = collectors.splice(Math.floor(random() * collectors.length), 1);
          collectors[Math.floor(random() * collectors.length)]!.merge(from!);
        }
        expect(observe(collectors[0]!)).toStrictEqual(observe(whole));
      },
    );
    fc.assert(property, { seed, numRuns: 120 });
  });

  it('keeps sums exact where floating point would cancel or absorb', () => {
    const batches = [[1e30], [1e-30, 3], [-1e30], [2 ** -149]].map((x) => Float32Array.from(x));
    const forward = collect(batches);
    expect(forward.mean).toBe((Math.fround(1e-30) + 3) / 5);
    expect(observe(collect(batches.toReversed()))).toStrictEqual(observe(forward));
  });

  it('leaves the other collector as it was, and may take itself in', () => {
    const collector = collect([draw('gaussian', 1000, seed)]);
    const before = observe(collector);
    const sum = new Collector();
    sum.merge(collector);
    sum.merge(collector);
    expect(observe(collector)).toStrictEqual(before);
    collector.merge(collector);
    expect(observe(collector)).toStrictEqual(observe(sum));
    expect(collector.count).toBe(2000);
  });

  it('refuses more values than can be counted exactly', () => {
    const collector = collect([Float32Array.of(3)]);
    for (let power = 1; power <= 52; power++) collector.merge(collector);
    expect([collector.count, collector.mean]).toEqual([2 ** 52, 3]);
    expect(codeOf(() => collector.merge(collector))).toBe('LIMIT_EXCEEDED');
    expect(collector.count).toBe(2 ** 52);
  });

  it('refuses what was left out elsewhere when its own policy is error', () => {
    const other = collect([Float32Array.of(1, Number.NaN)], { nonFinite: 'skip' });
    const collector = collect([Float32Array.of(7)], { name: 'logits' });
    expect(() => collector.merge(other)).toThrow(/logits.*1 NaN and 0 infinite/);
    expect(collector.count).toBe(1);
  });
});

describe('what it counts', () => {
  it.each(Object.keys(distributions) as DistributionName[])(
    '%s: exact, as BigInt has it',
    (name) => {
      const data = draw(name, 20_000, seed);
      const collector = collect([data]);
      let sum = 0n;
      let squares = 0n;
      for (const x of data) {
        const fixed = BigInt(x * 2 ** 149);
        sum += fixed;
        squares += fixed * fixed;
      }
      expect(collector.mean).toBe((Number(sum) * 2 ** -149) / data.length);
      expect(collector.meanSquare).toBe((Number(squares) * 2 ** -298) / data.length);
      expect(collector.min).toBe(data.reduce((a, b) => Math.min(a, b)) + 0);
      expect(collector.max).toBe(data.reduce((a, b) => Math.max(a, b)) + 0);
      expect(collector.count).toBe(data.length);
      expect(collector.zeroCount).toBe(data.filter((x) => x === 0).length);
    },
  );

  it('handles subnormals, both zeros and the largest floats exactly', () => {
    const lastTiny = 0x1ffff * 2 ** -149;
    const data = Float32Array.of(-0, 0, 2 ** -149, lastTiny, 2 ** -132, 3.4028235e38, -1e38);
    const collector = collect([data]);
    let sum = 0n;
    let squares = 0n;
    for (const x of data) {
      const fixed = BigInt(x * 2 ** 149);
      sum += fixed;
      squares += fixed * fixed;
    }
    expect(collector.zeroCount).toBe(2);
    expect(collector.mean).toBe((Number(sum) * 2 ** -149) / 7);
    expect(collector.meanSquare).toBe((Number(squares) * 2 ** -298) / 7);
    expect([collector.min, collector.max]).toEqual([Math.fround(-1e38), Math.fround(3.4028235e38)]);
  });

  it('never reports −0, whichever zero came first', () => {
    for (const zeros of [[-0], [0, -0], [-0, 0]]) {
      const { min, max } = collect([Float32Array.from(zeros)]);
      expect([min, max]).toStrictEqual([0, 0]);
    }
  });

  it('reads views at an offset, and shared memory', () => {
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    shared.set([1, 2]);
    expect(collect([shared, Float32Array.of(9, 3, 9).subarray(1, 2)]).mean).toBe(2);
  });
});

describe('NaN and infinities', () => {
  const bad = Float32Array.of(
    1,
    -2,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  );

  it('are an error that names the tensor, and leave the collector as it was', () => {
    const collector = collect([Float32Array.of(5)], { name: 'conv1/output' });
    const before = observe(collector);
    expect(() => collector.add(bad)).toThrow(
      /conv1\/output: .*1 NaN and 2 infinite, the first at element 2/,
    );
    expect(codeOf(() => collector.add(bad))).toBe('INVALID_CALIBRATION');
    expect(observe(collector)).toStrictEqual(before);
  });

  it('are left out and counted by the policy skip', () => {
    const { count, nanCount, infiniteCount, min, max, mean } = collect([bad], {
      nonFinite: 'skip',
    });
    expect({ count, nanCount, infiniteCount, min, max, mean }).toEqual({
      count: 2,
      nanCount: 1,
      infiniteCount: 2,
      min: -2,
      max: 1,
      mean: -0.5,
    });
  });

  it('alone make no data', () => {
    const collector = collect([bad.subarray(2)], { nonFinite: 'skip', name: 'mask' });
    expect(() => collector.histogram()).toThrow(/mask: no calibration data.*1 NaN, 2 infinite/);
  });
});

describe('bad input', () => {
  it('is an Octavo error', () => {
    const collector = new Collector({ name: 'x' });
    const doubles = new Float64Array(2) as unknown as Float32Array;
    expect(codeOf(() => collector.add(doubles))).toBe('INVALID_CALIBRATION');
    expect(codeOf(() => collector.add([1, 2] as unknown as Float32Array))).toBe(
      'INVALID_CALIBRATION',
    );
    expect(codeOf(() => new Collector({ nonFinite: 'ignore' as 'skip' }))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => collector.histogram())).toBe('INVALID_CALIBRATION');
    expect(codeOf(() => collector.magnitudes())).toBe('INVALID_CALIBRATION');
  });

  it('a transferred batch is an error, an empty one is nothing', () => {
    const collector = new Collector({ name: 'x' });
    const batch = Float32Array.of(1, 2, 3);
    structuredClone(batch, { transfer: [batch.buffer] });
    expect(codeOf(() => collector.add(batch))).toBe('INVALID_CALIBRATION');
    collector.add(new Float32Array(0));
    expect(collector.count).toBe(0);
    expect(collector.mean).toBeNaN();
  });

  it('a batch of more than 2^29 values is refused before it is read', () => {
    const collector = new Collector();
    // The pages of a fresh buffer take no memory until they are touched.
    expect(codeOf(() => collector.add(new Float32Array(2 ** 29 + 1)))).toBe('LIMIT_EXCEEDED');
  });
});
