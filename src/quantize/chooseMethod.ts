/** 'auto': the calibration method that keeps a model's answers best, found by trying each on a few samples. */
import type { CalibrationMethod } from '../calibrate/index.js';
import type { Graph } from '../graph/ir.js';
import { comparerTo } from './answers.js';
import type { Calibration } from './calibration.js';
import { draftOf } from './draft.js';
import type { ResolvedOptions } from './options.js';
import type { Placement } from './placement.js';
import type { LayerRun } from './samples.js';

/** A method that was tried, and the signal to noise of the model's answers with it, in dB. */
export interface MethodTrial {
  readonly calibrationMethod: CalibrationMethod;
  readonly percentile: number | undefined;
  readonly sqnr: number;
}

export const candidates: readonly Omit<MethodTrial, 'sqnr'>[] = [
  { calibrationMethod: 'mse', percentile: undefined },
  { calibrationMethod: 'max', percentile: undefined },
  { calibrationMethod: 'percentile', percentile: 99.99 },
  { calibrationMethod: 'percentile', percentile: 99.999 },
  { calibrationMethod: 'entropy', percentile: undefined },
];

/** What was tried, the best first; of equals the one that comes first in `candidates`. */
export async function chooseMethod(
  graph: Graph,
  placement: Placement,
  calibration: Calibration,
  options: ResolvedOptions,
  run: LayerRun,
): Promise<readonly MethodTrial[]> {
  const compare = await comparerTo(graph, run);
  const trials: MethodTrial[] = [];
  for (const candidate of candidates) {
    const { quantized } = draftOf(graph, placement, calibration, { ...options, ...candidate });
    trials.push({ ...candidate, sqnr: (await compare(quantized)).sqnr });
    run.onDone?.(trials.length, candidates.length);
  }
  return trials.sort((a, b) => (a.sqnr === b.sqnr ? 0 : b.sqnr - a.sqnr));
}
