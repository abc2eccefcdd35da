/**
 * Choosing the range that a tensor's integers stand for, from what its collector saw. A method is a
 * pure function of the collector and the target format, so that equal collectors give equal ranges.
 */
import { OctavoError } from '../core/errors.js';
import { isQuantizedType, type Mapping, type Range } from '../numerics/index.js';
import type { Collector } from './collector.js';
import { entropyRange } from './entropy.js';
import { maxRange } from './max.js';
import { mseRange } from './mse.js';
import { percentileRange } from './percentile.js';

export const calibrationMethods = ['max', 'percentile', 'entropy', 'mse'] as const;

export type CalibrationMethod = (typeof calibrationMethods)[number];

export interface CalibratorOptions {
  /**
   * Share of the values to keep, in percent: above 0, up to 100 (the whole range). For
   * 'percentile'; default 99.99.
   */
  readonly percentile?: number | undefined;
}

export interface Calibrator {
  /** The method, with its parameter if it has one: 'percentile 99.99'. */
  readonly name: string;
  /**
   * The range to hand to `paramsFromRange` with the same target. It holds 0 and reaches no further
   * than the values do; {0, 0} when all are zero.
   *
   * Throws `INVALID_CALIBRATION` when the collector saw no finite value, and `UNSUPPORTED_TYPE` for
   * targets that ranges are not chosen for: int1, whose scale is a mean, and int32, which is for
   * biases.
   */
  range(collector: Collector, target: Mapping): Range;
}

type Method = (collector: Collector, target: Mapping) => Range;

/**
 * A calibrator by name. Throws `INVALID_ARGUMENT` for an unknown method, a percentile out of range,
 * and options that the method does not have.
 */
export function createCalibrator(
  method: CalibrationMethod,
  options: CalibratorOptions = {},
): Calibrator {
  if (!calibrationMethods.includes(method)) {
    throw new OctavoError('INVALID_ARGUMENT', 'unknown calibration method', {
      where: 'method',
      expected: calibrationMethods.join(', '),
      found: String(method),
    });
  }
  rejectUnknownOptions(method, options);
  switch (method) {
    case 'max':
      return calibrator(method, maxRange);
    case 'percentile': {
      const percentile = checkPercentile(options.percentile ?? 99.99);
      return calibrator(`${method} ${percentile}`, (collector, target) =>
        percentileRange(collector, target, percentile),
      );
    }
    case 'entropy':
      return calibrator(method, (collector, target) => entropyRange(collector, target));
    case 'mse':
      return calibrator(method, mseRange);
  }
}

/**
 * What all methods share: the checks, and the answer for zeros alone, where there is nothing to
 * search.
 */
function calibrator(name: string, method: Method): Calibrator {
  return {
    name,
    range(collector, target) {
      checkTarget(target, collector.name);
      collector.requireValues();
      if (collector.zeroCount === collector.count) return { min: 0, max: 0 };
      return method(collector, target);
    },
  };
}

function checkTarget({ type }: Mapping, where: string): void {
  if (!isQuantizedType(type) || type === 'int1' || type === 'int32') {
    throw new OctavoError('UNSUPPORTED_TYPE', 'no range is chosen for this type', {
      where,
      expected: 'an integer type of 2 to 16 bits',
      found: String(type),
    });
  }
}

function checkPercentile(percentile: number): number {
  if (!(typeof percentile === 'number' && percentile > 0 && percentile <= 100)) {
    throw new OctavoError('INVALID_ARGUMENT', 'percentile out of range', {
      where: 'percentile',
      expected: 'above 0, up to 100',
      found: String(percentile),
    });
  }
  return percentile;
}

function rejectUnknownOptions(method: string, options: CalibratorOptions): void {
  const known = method === 'percentile' ? ['percentile'] : [];
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || known.includes(option)) continue;
    throw new OctavoError('INVALID_ARGUMENT', `the method '${method}' does not have this option`, {
      where: option,
      expected: known.join(', ') || 'no options',
    });
  }
}
