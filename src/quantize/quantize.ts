/**
 * Quantizing within a budget, in one call: chooses the scheme and the calibrator, corrects biases, measures, and gives
 * layers back to float until what quantizing costs is allowed.
 */
import { type CalibrationMethod, calibrationMethods } from '../calibrate/index.js';
import { OctavoError, throwIfAborted } from '../core/errors.js';
import { loadModel, type Model } from '../onnx/model.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import type { SessionOptions } from '../runtime/session.js';
import { type Comparer, comparerTo } from './answers.js';
import { digestOf } from './calibration.js';
import { checkNames, count, oneOf } from './checks.js';
import { chooseDynamic, chooseStatic } from './chooseScheme.js';
import { isEncoder } from './dynamicScheme.js';
import type { WeightsReport } from './floatWeights.js';
import { type QuantizeState, SearchMemory } from './memory.js';
import { type SelectionOptions, selectionOptions } from './options.js';
import { progressOf } from './progress.js';
import { type WithRecipe, withRecipe } from './recipe.js';
import type { QuantizationReport } from './report.js';
import type { Samples } from './samples.js';
import type { Built, Scheme } from './scheme.js';
import {
  heldOutScorer,
  metricFor,
  metricScorer,
  type Scorer,
  type UnlabelledMetric,
} from './score.js';
import { type Attempt, type SearchResult, search } from './search.js';
import type { Evaluate } from './sensitivity.js';
import { Split } from './split.js';

export interface QuantizeOptions extends SelectionOptions {
  /** Feeds of the model, streamed. Without `evaluate`, every fourth is held out to measure on. */
  readonly calibrationData: Samples;
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
  /** What an earlier call with the same model, data and settings had found out: this one goes on from there. */
  readonly state?: QuantizeState;
  /** Told of everything that is found out. A state is plain data, for a file. */
  readonly onState?: (state: QuantizeState) => void;
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

export interface QuantizeResult extends WithRecipe {
  /** The model of fewest float layers within the budget, or, where there is none, that of the best score. */
  readonly model: Model;
  readonly report: QuantizationReport | WeightsReport;
  /** How it was quantized. */
  readonly scheme: string;
  readonly accuracy: AccuracyReport;
  /** Layers given back to float. */
  readonly floatLayers: readonly string[];
  /** Every model that was tried, in order; the last one may be the same as an earlier one with its biases corrected anew. */
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
  'state',
  'onState',
  ...selectionOptions,
] as const satisfies readonly (keyof QuantizeOptions)[];

/** What `quantize` of making.ts does. */
export async function quantize(
  source: Model | string | Uint8Array,
  options: QuantizeOptions,
): Promise<QuantizeResult> {
  const settings = resolve(options);
  const start = performance.now();
  throwIfAborted(options.signal, 'quantize');
  const model = await loadModel(source);
  const graph = cleanFloatGraph(model.graph);
  const { session, signal, evaluate, nodesToExclude, nodesToQuantize, opTypes } = options;
  const { state, onState } = options;
  const memory = new SearchMemory(digestOf(graph), described(options), state, onState);
  const split = new Split({
    data: options.calibrationData,
    kept: settings.correctionSamples,
    heldOut: evaluate === undefined ? settings.heldOutSamples : 0,
    signal,
  });
  const selection = { nodesToExclude, nodesToQuantize, opTypes };
  let comparer: Promise<Comparer> | undefined;
  const measured = () => {
    comparer ??= comparerTo(graph, { samples: split.measured, session, signal });
    return comparer;
  };
  const parts = {
    ...{ model, graph, selection, split, measured, memory },
    ...{ session, signal, onProgress: options.onProgress },
  };
  const kind = settings.kind ?? (isEncoder(graph) ? 'dynamic' : 'static');
  const scheme =
    kind === 'static'
      ? await chooseStatic(parts, settings.calibrationMethods)
      : await chooseDynamic(parts);
  const scorer =
    evaluate === undefined
      ? heldOutScorer(settings.metric ?? metricFor(graph), await measured())
      : metricScorer(evaluate, session);
  const float = await memory.float(() => scorer.score(graph));
  const found = await searchFor(
    { scheme, scorer, float, memory, start, maxDrop: settings.maxDrop },
    options,
  );
  const { built, score, attempts } = await refined(scheme, scorer, found, options);
  const drop = dropOf(float, score);
  const result = {
    model: built.model,
    report: built.report,
    scheme: scheme.name,
    accuracy: {
      metric: scorer.metric,
      float,
      quantized: score,
      drop,
      maxDrop: settings.maxDrop,
      withinBudget: drop <= settings.maxDrop,
    },
    floatLayers: found.best.floatLayers,
    attempts,
    outOfTime: found.outOfTime,
  };
  return withRecipe(result, () => built.recipe);
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

interface SearchParts {
  readonly scheme: Scheme;
  readonly scorer: Scorer;
  /** The float model's score. */
  readonly float: number;
  readonly memory: SearchMemory;
  readonly start: number;
  readonly maxDrop: number;
}

function searchFor(parts: SearchParts, options: QuantizeOptions): Promise<SearchResult> {
  const { scheme, scorer, float, memory, start, maxDrop } = parts;
  const { timeLimit = Infinity, signal, onProgress } = options;
  return search({
    ranked: () => memory.ranked(() => scheme.ranked(progressOf('sensitivity', onProgress))),
    scoreOf: (floatLayers) =>
      memory.score(floatLayers, async () => {
        const { model } = await scheme.build(floatLayers);
        return scorer.score(model.graph);
      }),
    meets: (score) => dropOf(float, score) <= maxDrop,
    deadline: start + timeLimit,
    signal,
    onAttempt: (_, done) =>
      onProgress?.({ phase: 'search', done, total: undefined, etaMs: undefined }),
  });
}

interface Refined {
  readonly built: Built;
  readonly score: number;
  readonly attempts: readonly Attempt[];
}

/** The model that was found, or, where that is no worse, the same with all that was taken over from others found anew. */
async function refined(
  scheme: Scheme,
  scorer: Scorer,
  { best, attempts, outOfTime }: SearchResult,
  { signal }: QuantizeOptions,
): Promise<Refined> {
  const { floatLayers, score } = best;
  if (scheme.refine === undefined || floatLayers.length === 0 || outOfTime) {
    return { built: await scheme.build(floatLayers), score, attempts };
  }
  throwIfAborted(signal, 'quantize');
  const built = await scheme.refine(floatLayers);
  const last = { floatLayers, score: await scorer.score(built.model.graph) };
  const all = [...attempts, last];
  if (last.score >= score) return { built, score: last.score, attempts: all };
  return { built: await scheme.build(floatLayers), score, attempts: all };
}

/** What is lost, as a share of the float model's score. */
function dropOf(float: number, score: number): number {
  if (score === float) return 0;
  return (float - score) / Math.abs(float);
}

/** The settings that decide what a search finds, as text. */
function described(options: QuantizeOptions): string {
  const { kind, metric, calibrationMethods: methods, correctionSamples, heldOutSamples } = options;
  const { nodesToExclude, nodesToQuantize, opTypes, evaluate } = options;
  const named = (selectors: QuantizeOptions['nodesToExclude']) => selectors?.map(String);
  return JSON.stringify({
    ...{ kind, metric, methods, correctionSamples, heldOutSamples, opTypes },
    evaluate: evaluate !== undefined,
    exclude: named(nodesToExclude),
    only: named(nodesToQuantize),
  });
}
