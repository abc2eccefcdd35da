/** 'auto': the calibration method that keeps a model's answers best, found by trying each on a few samples. */
import type { CalibrationMethod } from '../calibrate/index.js';
import type { Graph } from '../graph/ir.js';
import { Difference } from '../report/difference.js';
import type { Feeds, SessionOptions } from '../runtime/session.js';
import type { Calibration } from './calibration.js';
import { draftOf } from './draft.js';
import { withLogits } from './logits.js';
import type { ResolvedOptions } from './options.js';
import { PieceRunner } from './pieces.js';
import type { Placement } from './placement.js';

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

export interface ChooseOptions {
  readonly samples: readonly Feeds[];
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onDone?: (done: number, total: number) => void;
}

/** What was tried, the best first; of equals the one that comes first in `candidates`. */
export async function chooseMethod(
  graph: Graph,
  placement: Placement,
  calibration: Calibration,
  options: ResolvedOptions,
  run: ChooseOptions,
): Promise<readonly MethodTrial[]> {
  const expected = await answersOf(graph, run);
  const trials: MethodTrial[] = [];
  for (const candidate of candidates) {
    const { quantized } = draftOf(graph, placement, calibration, { ...options, ...candidate });
    const difference = new Difference();
    for (const [i, found] of (await answersOf(quantized, run)).entries()) {
      for (const [name, tensor] of Object.entries(found)) {
        difference.add(expected[i]![name]!, tensor, name);
      }
    }
    trials.push({ ...candidate, sqnr: difference.measures.sqnr });
    run.onDone?.(trials.length, candidates.length);
  }
  return trials.sort((a, b) => (a.sqnr === b.sqnr ? 0 : b.sqnr - a.sqnr));
}

/** The outputs of each sample, in front of a last softmax. */
function answersOf(graph: Graph, { samples, session, signal }: ChooseOptions) {
  return new PieceRunner(samples, { session }).finish(withLogits(graph), signal);
}
