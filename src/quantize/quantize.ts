/**
 * Quantizing within a budget, in one call: chooses the scheme and the calibrator, corrects biases, measures, and gives
 * layers back to float until what quantizing costs is allowed.
 */
import { type CalibrationMethod, calibrationMethods } from '../calibrate/index.js';
import { OctavoError, throwIfAborted } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { loadModel, type Model } from '../onnx/model.js';
import { floatPasses } from '../passes/floatPasses.js';
import { runPasses } from '../passes/pass.js';
import { widenHalves } from '../passes/widenHalves.js';
import type { Feeds, SessionOptions } from '../runtime/session.js';
import { calibrate } from './calibrate.js';
import { dynamicScheme, isEncoder } from './dynamicScheme.js';
import type { WeightsReport } from './floatWeights.js';
import {
  checkNames,
  count,
  oneOf,
  resolveOptions,
  type SelectionOptions,
  selectionOptions,
} from './options.js';
import type { QuantizationReport } from './report.js';
import { SampleKeeper } from './samples.js';
import type { Scheme } from './scheme.js';
import {
  type Comparer,
  comparerTo,
  heldOutScorer,
  metricFor,
  metricScorer,
  type Scorer,
  type UnlabelledMetric,
} from './score.js';
import { type Attempt, type SearchResult, search } from './search.js';
import type { Evaluate } from './sensitivity.js';
import { staticScheme } from './staticScheme.js';

export interface QuantizeOptions extends Omit<SelectionOptions, 'onProgress'> {
  /** Feeds of the model, streamed. Without `evaluate`, every fourth is held out to measure on. */
  readonly calibrationData: Iterable<Feeds> | AsyncIterable<Feeds>;
  /** The metric that must not fall, higher is better: accuracy, say. Called for every model that is tried. */
  readonly evaluate?: Evaluate;
  /** What is measured without `evaluate`. Default: 'agreement' for models that end in a softmax, else 'signal'. */
  readonly metric?: UnlabelledMetric;
  /** Largest loss, as a share of the float model's score. Default 0.01. */
  readonly maxDrop?: number;
  /** Default 'auto': 'dynamic' for encoders, else 'static'. */
  readonly kind?: 'auto' | 'static' | 'dynamic';
  /** Calibration methods to choose among, by the SQNR of the answers. Default mse, max and percentile. */
  readonly calibrationMethods?: readonly CalibrationMethod[];
  /** Samples to correct biases and to measure layers on. Default 16. */
  readonly correctionSamples?: number;
  /** Most samples to hold out. Default 64. */
  readonly heldOutSamples?: number;
  /** Milliseconds after which no further model is tried. Default: none. */
  readonly timeLimit?: number;
  readonly opTypes?: readonly string[];
  readonly session?: SessionOptions;
  readonly onProgress?: (progress: QuantizeProgress) => void;
}

export interface QuantizeProgress {
  readonly phase: 'calibrate' | 'choose' | 'sensitivity' | 'search';
  readonly done: number;
  /** Undefined where it is not known, as for models that a search will try. */
  readonly total: number | undefined;
  /** Milliseconds left at the pace so far; undefined when not known. */
  readonly etaMs: number | undefined;
}

export interface AccuracyReport {
  /** 'evaluate' is the caller's. */
  readonly metric: UnlabelledMetric | 'evaluate';
  readonly float: number;
  readonly quantized: number;
  /** (float − quantized) / |float|. */
  readonly drop: number;
  readonly maxDrop: number;
  readonly withinBudget: boolean;
}

export interface QuantizeResult {
  /** The model of fewest float layers within the budget, or, where there is none, that of the best score. */
  readonly model: Model;
  readonly report: QuantizationReport | WeightsReport;
  /** How it was quantized. */
  readonly scheme: string;
  readonly accuracy: AccuracyReport;
  /** Layers given back to float. */
  readonly floatLayers: readonly string[];
  /** Every model that was tried, in order. */
  readonly attempts: readonly Attempt[];
  /** Whether `timeLimit` ended the search. */
  readonly outOfTime: boolean;
}

const known = [
  'calibrationData',
  'evaluate',
  'metric',
  'maxDrop',
  'kind',
  'calibrationMethods',
  'correctionSamples',
  'heldOutSamples',
  'timeLimit',
  'session',
  ...selectionOptions,
] as const satisfies readonly (keyof QuantizeOptions)[];

/**
 * Quantizes a model (a path, its bytes, or a loaded model) so that its score falls by no more than `maxDrop`. The input
 * model stays as it was. Where no set of float layers is enough, `accuracy.withinBudget` is false, and the model is the
 * best of those tried.
 *
 * Throws `INVALID_ARGUMENT`, `NO_MATCH`, `INVALID_CALIBRATION`, `INVALID_INPUT`, `UNSUPPORTED_OPERATOR`, `ABORTED`, and
 * what `loadModel` throws.
 */
export async function quantize(
  source: Model | string | Uint8Array,
  options: QuantizeOptions,
): Promise<QuantizeResult> {
  const settings = resolve(options);
  const start = performance.now();
  throwIfAborted(options.signal, 'quantize');
  const model = await loadModel(source);
  const graph = runPasses(widenHalves(model.graph), floatPasses);
  const { session, signal, evaluate } = options;
  const split = new Split(options, settings);
  const kind = settings.kind ?? (isEncoder(graph) ? 'dynamic' : 'static');
  const scheme =
    kind === 'static'
      ? await bestStatic(model, graph, options, settings, split)
      : await onlyDynamic(model, graph, options, split);
  const scorer =
    evaluate === undefined
      ? await heldOutScorer(
          graph,
          settings.metric ?? metricFor(graph),
          await comparerTo(graph, split.measured, { session, signal }),
        )
      : await metricScorer(graph, evaluate, session);
  const found = await searchFor(scheme, scorer, options, settings, start);
  const { model: quantized, report } = await scheme.build(found.best.floatLayers);
  const drop = dropOf(scorer, found.best.score);
  return {
    model: quantized,
    report,
    scheme: scheme.name,
    accuracy: {
      metric: scorer.metric,
      float: scorer.float,
      quantized: found.best.score,
      drop,
      maxDrop: settings.maxDrop,
      withinBudget: found.meets,
    },
    floatLayers: found.best.floatLayers,
    attempts: found.attempts,
    outOfTime: found.outOfTime,
  };
}

interface Settings {
  readonly maxDrop: number;
  readonly kind: 'static' | 'dynamic' | undefined;
  readonly metric: UnlabelledMetric | undefined;
  readonly calibrationMethods: readonly CalibrationMethod[];
  readonly correctionSamples: number;
  readonly heldOutSamples: number;
}

function resolve(options: QuantizeOptions): Settings {
  checkNames(options, known);
  const { maxDrop = 0.01, timeLimit = Infinity, evaluate } = options;
  if (!(maxDrop >= 0 && maxDrop <= 1)) throw outOfRange('maxDrop', '0 … 1', maxDrop);
  if (!(timeLimit >= 0)) throw outOfRange('timeLimit', 'milliseconds', timeLimit);
  if (evaluate !== undefined && options.metric !== undefined) {
    throw new OctavoError('INVALID_ARGUMENT', '`evaluate` is the metric', { where: 'metric' });
  }
  const kind = oneOf('kind', options.kind, ['auto', 'static', 'dynamic'], 'auto');
  const { calibrationMethods: methods = ['mse', 'max', 'percentile'] } = options;
  for (const method of methods) oneOf('calibrationMethods', method, calibrationMethods);
  if (methods.length === 0) throw outOfRange('calibrationMethods', 'at least one', 0);
  oneOf('metric', options.metric, ['agreement', 'signal']);
  return {
    maxDrop,
    kind: kind === 'auto' ? undefined : kind,
    metric: options.metric,
    calibrationMethods: methods,
    correctionSamples: count('correctionSamples', options.correctionSamples ?? 16),
    heldOutSamples: count('heldOutSamples', options.heldOutSamples ?? 64),
  };
}

function outOfRange(where: string, expected: string, found: number): OctavoError {
  const details = { where, expected, found: String(found) };
  return new OctavoError('INVALID_ARGUMENT', 'out of range', details);
}

/** Calibration data on their way: some are held out, and of the others a few are kept. */
class Split {
  readonly #options: QuantizeOptions;
  readonly #kept: SampleKeeper;
  readonly #heldOut: SampleKeeper;

  constructor(options: QuantizeOptions, { correctionSamples, heldOutSamples }: Settings) {
    this.#options = options;
    this.#kept = new SampleKeeper(correctionSamples);
    this.#heldOut = new SampleKeeper(options.evaluate === undefined ? heldOutSamples : 0);
  }

  /** Samples of the calibration, once they went by. */
  get kept(): readonly Feeds[] {
    return this.#kept.samples;
  }

  /** Those held out; those kept where none is. */
  get measured(): readonly Feeds[] {
    const { samples } = this.#heldOut;
    return samples.length > 0 ? samples : this.kept;
  }

  /** The data less every fourth, which is held out where no metric is given. */
  async *calibrationData(): AsyncGenerator<Feeds> {
    const holdsOut = this.#heldOut.most > 0;
    let at = 0;
    for await (const feeds of this.#options.calibrationData) {
      throwIfAborted(this.#options.signal, 'quantize');
      if (holdsOut && at++ % 4 === 3) {
        this.#heldOut.offer(feeds);
        continue;
      }
      this.#kept.offer(feeds);
      yield feeds;
    }
  }
}

/** The scheme of the calibration method whose answers are nearest to the float model's. */
async function bestStatic(
  model: Model,
  graph: Graph,
  options: QuantizeOptions,
  settings: Settings,
  split: Split,
): Promise<Scheme> {
  const { nodesToExclude, nodesToQuantize, opTypes, session, signal, onProgress } = options;
  const selection = {
    ...(nodesToExclude && { nodesToExclude }),
    ...(nodesToQuantize && { nodesToQuantize }),
    ...(opTypes && { opTypes }),
  };
  const calibration = await calibrate(model, {
    ...selection,
    calibrationData: split.calibrationData(),
    ...(session && { session }),
    ...(signal && { signal }),
    onProgress: ({ done, total, etaMs }) =>
      onProgress?.({ phase: 'calibrate', done, total, etaMs }),
  });
  const parts = {
    model,
    graph,
    calibration,
    samples: split.kept,
    resolved: resolveOptions(selection),
    session,
    signal,
  };
  const schemes = settings.calibrationMethods.map((method) => staticScheme(parts, method));
  const [only] = schemes;
  if (schemes.length === 1) return only!;
  const compare = await comparerTo(graph, split.measured, { session, signal });
  return nearest(schemes, compare, options);
}

async function nearest(
  schemes: readonly Scheme[],
  compare: Comparer,
  options: QuantizeOptions,
): Promise<Scheme> {
  const onDone = progressOf(options, 'choose');
  let best: { readonly scheme: Scheme; readonly sqnr: number } | undefined;
  for (const [i, scheme] of schemes.entries()) {
    const { model } = await scheme.build([]);
    const { sqnr } = await compare(model.graph);
    if (best === undefined || sqnr > best.sqnr) best = { scheme, sqnr };
    onDone(i + 1, schemes.length);
  }
  return best!.scheme;
}

async function onlyDynamic(
  model: Model,
  graph: Graph,
  options: QuantizeOptions,
  split: Split,
): Promise<Scheme> {
  const { nodesToExclude, nodesToQuantize, opTypes, session, signal } = options;
  // Nothing is calibrated: the data go by for the samples that are kept of them.
  for await (const _ of split.calibrationData());
  if (split.kept.length === 0) {
    throw new OctavoError('INVALID_CALIBRATION', 'no calibration data', {
      where: 'calibrationData',
      expected: 'at least one sample',
    });
  }
  return dynamicScheme({
    model,
    graph,
    options: {
      ...(nodesToExclude && { nodesToExclude }),
      ...(nodesToQuantize && { nodesToQuantize }),
      ...(opTypes && { opTypes }),
      ...(signal && { signal }),
    },
    compare: await comparerTo(graph, split.kept, { session, signal }),
  });
}

async function searchFor(
  scheme: Scheme,
  scorer: Scorer,
  options: QuantizeOptions,
  { maxDrop }: Settings,
  start: number,
): Promise<SearchResult> {
  const { timeLimit = Infinity, signal, onProgress } = options;
  return search({
    ranked: () => scheme.ranked(progressOf(options, 'sensitivity')),
    async scoreOf(floatLayers) {
      const { model } = await scheme.build(floatLayers);
      return scorer.score(model.graph);
    },
    meets: (score) => dropOf(scorer, score) <= maxDrop,
    deadline: start + timeLimit,
    signal,
    onAttempt: (_, done) =>
      onProgress?.({ phase: 'search', done, total: undefined, etaMs: undefined }),
  });
}

/** What is lost, as a share of the float model's score. */
function dropOf({ float }: Scorer, score: number): number {
  if (score === float) return 0;
  return (float - score) / Math.abs(float);
}

function progressOf(options: QuantizeOptions, phase: QuantizeProgress['phase']) {
  const start = performance.now();
  return (done: number, total: number): void => {
    const etaMs = ((performance.now() - start) / done) * (total - done);
    options.onProgress?.({ phase, done, total, etaMs });
  };
}
