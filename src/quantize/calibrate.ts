/** Calibrating apart from quantizing: on another machine, in parts, or once for several quantizations. */
import { throwIfAborted } from '../core/errors.js';
import { loadModel, type Model } from '../onnx/model.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import type { SessionOptions } from '../runtime/session.js';
import type { Calibration } from './calibration.js';
import { checkNames } from './checks.js';
import { watchedByParts } from './draft.js';
import { observe } from './observe.js';
import {
  type QuantizeStaticOptions,
  resolveOptions,
  type SelectionOptions,
  selectionOptions,
} from './options.js';
import type { Samples } from './samples.js';
import { placeStatic } from './static.js';

/** Options of `calibrate`: what is to be quantized must be chosen as for `quantizeStatic` later. */
export interface CalibrateOptions extends SelectionOptions {
  /** Feeds of the model, streamed: 10,000 samples take the memory of one. */
  readonly calibrationData: Samples;
  /** Operator types to quantize. Default: all of `quantizableOps`. */
  readonly opTypes?: readonly string[];
  /** What NaN and infinities do: throw `INVALID_CALIBRATION`, or be left out. Default 'error'. */
  readonly nonFinite?: 'error' | 'skip';
  /** Backend, threads and limits of the runs. */
  readonly session?: SessionOptions;
}

const known = [
  'calibrationData',
  'nonFinite',
  'session',
  ...selectionOptions,
] as const satisfies readonly (keyof CalibrateOptions & keyof QuantizeStaticOptions)[];

/** What `calibrate` of making.ts does. */
export async function calibrate(
  source: Model | string | Uint8Array,
  options: CalibrateOptions,
): Promise<Calibration> {
  checkNames(options, known);
  const resolved = resolveOptions(options);
  const { calibrationData: data, session, onProgress, signal } = options;
  throwIfAborted(signal, 'calibrate');
  const graph = cleanFloatGraph((await loadModel(source)).graph);
  const values = watchedByParts(graph, placeStatic(graph, resolved));
  return observe(graph, values, {
    data,
    nonFinite: resolved.nonFinite,
    session,
    onProgress,
    signal,
  });
}
