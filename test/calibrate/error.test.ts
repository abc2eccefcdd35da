import { describe, expect, it } from 'vitest';
import { Collector, clippedShare, codesOf } from '../../src/calibrate/index.js';

const codes = codesOf({ type: 'uint8' });

describe('clippedShare', () => {
  const collector = new Collector();
  collector.add(Float32Array.of(-3, 0, 1, 2, 2, 200, 250, 250, 300, 1000));
  const histogram = collector.histogram();

  it('counts what lies more than half a step beyond the codes, at both ends', () => {
    expect(clippedShare(histogram, { scale: 1, zeroPoint: 0 }, codes)).toBeCloseTo(0.3, 12);
    expect(clippedShare(histogram, { scale: 1, zeroPoint: 3 }, codes)).toBeCloseTo(0.2, 12);
    expect(clippedShare(histogram, { scale: 5, zeroPoint: 1 }, codes)).toBe(0);
    expect(clippedShare(histogram, { scale: 1e-9, zeroPoint: 0 }, codes)).toBeCloseTo(0.9, 6);
  });

  it('takes values as spread evenly over their cell', () => {
    const spread = {
      lower: Float64Array.of(0),
      upper: Float64Array.of(10),
      counts: Float64Array.of(8),
      total: 16,
    };
    const nibble = { min: 0, max: 15 };
    expect(clippedShare(spread, { scale: 0.5, zeroPoint: 0 }, nibble)).toBeCloseTo(0.1125, 12);
  });
});
