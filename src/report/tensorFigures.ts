/** What each watched value holds, as data for a page: its histogram, and the ranges that every calibrator would choose. */
import {
  type Collector,
  calibrationMethods,
  createCalibrator,
  type Histogram,
} from '../calibrate/index.js';
import { type Mapping, paramsFromRange, type Range } from '../numerics/index.js';
import { type ActivationReport, lossOf } from '../quantize/report.js';

/** A range that a calibrator would choose, and what it would cost. */
export interface RangeCandidate {
  readonly calibrator: string;
  readonly range: Range;
  /** Share of the values that lie beyond it, 0 … 1. */
  readonly clipped: number;
  /** Signal to quantization noise, in dB. */
  readonly sqnr: number;
}

export interface TensorFigure extends ActivationReport {
  /** Values in each of equal bins from the smallest to the largest value seen. */
  readonly bins: readonly number[];
  readonly candidates: readonly RangeCandidate[];
}

const binCount = 120;

/** Shares of the values that 'percentile' is shown for, in percent. */
const percentiles = [99.999, 99.99];

export function tensorFigure(
  report: ActivationReport,
  collector: Collector,
  symmetric: boolean,
): TensorFigure {
  const mapping: Mapping = { type: report.type, symmetric };
  const calibrators = calibrationMethods.flatMap((method) =>
    method === 'percentile'
      ? percentiles.map((percentile) => createCalibrator(method, { percentile }))
      : [createCalibrator(method)],
  );
  const histogram = collector.histogram();
  const candidates = calibrators.map((calibrator): RangeCandidate => {
    const range = calibrator.range(collector, mapping);
    const params = paramsFromRange(range, mapping);
    const loss = lossOf(histogram, collector.meanSquare, params, mapping);
    return { calibrator: calibrator.name, range, ...loss };
  });
  if (!candidates.some(({ calibrator }) => calibrator === report.calibrator)) {
    const { calibrator, range, clipped, sqnr } = report;
    candidates.push({ calibrator, range, clipped, sqnr });
  }
  const { min, max } = collector;
  const bins = binsOf(histogram, { min, max }, binCount);
  return { ...report, seen: { min, max }, bins, candidates };
}

/** Counts in `count` equal bins over `range`; the values of a cell are taken as spread evenly over it. */
export function binsOf(histogram: Histogram, { min, max }: Range, count: number): number[] {
  const { lower, upper, counts } = histogram;
  const bins = new Array<number>(count).fill(0);
  const width = (max - min) / count;
  const binOf = (value: number): number =>
    width === 0 ? 0 : Math.min(Math.floor((value - min) / width), count - 1);
  for (let i = 0; i < counts.length; i++) {
    const [from, to] = [lower[i]!, upper[i]!];
    const [first, last] = [binOf(from), binOf(to)];
    for (let bin = first; bin <= last; bin++) {
      const left = Math.max(from, min + bin * width);
      const right = bin === last ? to : Math.min(to, min + (bin + 1) * width);
      bins[bin]! += counts[i]! * (first === last ? 1 : (right - left) / (to - from));
    }
  }
  return bins;
}
