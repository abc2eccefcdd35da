/**
 * What the page of a quantization shows, as plain data, and how it is gathered: every layer quantized alone, both models
 * timed step by step, and what the samples showed of each value.
 */
import type { CalibrationMethod } from '../calibrate/index.js';
import { throwIfAborted } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { loadModel, type Model } from '../onnx/model.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import { comparerTo } from '../quantize/answers.js';
import { calibrate } from '../quantize/calibrate.js';
import { collectorOf } from '../quantize/draft.js';
import type { Finding } from '../quantize/findings.js';
import type { WeightsReport } from '../quantize/floatWeights.js';
import { measureAlone } from '../quantize/measureAlone.js';
import type { QuantizeStaticOptions } from '../quantize/options.js';
import { progressOf } from '../quantize/progress.js';
import type { AccuracyReport } from '../quantize/quantize.js';
import type { Recipe } from '../quantize/recipe.js';
import { bytesOf, type QuantizationReport } from '../quantize/report.js';
import { keepSamples, SampleKeeper, type Samples } from '../quantize/samples.js';
import { measureLayers } from '../quantize/sensitivity.js';
import { Split } from '../quantize/split.js';
import { prepareStatic } from '../quantize/static.js';
import { layerParts } from '../quantize/variants.js';
import { planOf, variantsOf } from '../quantize/weightRecipes.js';
import type { Feeds } from '../runtime/session.js';
import type { Measures } from './difference.js';
import { type PageLatency, type Times, timesOf } from './layerTimes.js';
import { type MeasuredLayer, pageLayers } from './pageLayers.js';
import { type TensorFigure, tensorFigure } from './tensorFigures.js';
import { type WeightFigure, weightFigures } from './weightFigures.js';

/** One layer of the model, in the order of computation. */
export interface PageLayer {
  readonly node: string;
  readonly op: string;
  /** Whether it reads integers in the quantized model. */
  readonly integer: boolean;
  /** Number of weights; 0 where it has none. */
  readonly weightCount: number;
  /** SQNR of its weights in dB, where they were quantized. */
  readonly weightSqnr?: number | undefined;
  /** SQNR of the answers in dB with this layer quantized and no other, by the part that is quantized. */
  readonly alone: {
    readonly both?: number | undefined;
    readonly weights?: number | undefined;
    readonly activations?: number | undefined;
  };
  /** SQNR of what it writes in the quantized model, before and after its bias was corrected. */
  readonly outputs?: { readonly before: number; readonly after: number } | undefined;
  /** Names of the tensors that it reads quantized. */
  readonly tensors: readonly string[];
  /** Largest share of the values of one of its inputs that are clipped, 0 … 1. */
  readonly clipped?: number | undefined;
  /** Milliseconds of a run in each of the models; undefined where it is part of another step. */
  readonly floatMs?: number | undefined;
  readonly int8Ms?: number | undefined;
}

export interface QuantizationPageData {
  /** The model, for people. */
  readonly title: string;
  /** How it was quantized, in a few words. */
  readonly scheme: string;
  /** What quantized layers are called: 'INT8' where that is how they are computed. */
  readonly kind: 'INT8' | 'quantized';
  /** Samples that ranges were chosen on, and that answers were compared on; 0 where none were needed, or given. */
  readonly samples: number;
  readonly comparedOn: number;
  /** Size of the models as files. */
  readonly bytes: { readonly before: number; readonly after: number };
  /** The quantized model's answers against the float model's, in front of a final softmax; undefined without samples. */
  readonly answers?: Measures | undefined;
  /** What `quantize` measured. */
  readonly accuracy?: AccuracyReport | undefined;
  /** Undefined without samples. */
  readonly latency?: PageLatency | undefined;
  /** In the order of computation. */
  readonly layers: readonly PageLayer[];
  /** In the order of computation. */
  readonly tensors: readonly TensorFigure[];
  readonly weights: readonly WeightFigure[];
  /** What cannot be shown, and why. */
  readonly missing?: readonly string[] | undefined;
  readonly findings?: readonly Finding[] | undefined;
  /** Repeats the quantization: see `applyRecipe`. */
  readonly recipe?: Recipe | undefined;
}

/** What a quantizer resolved to. */
export interface QuantizedForPage {
  readonly model: Model;
  readonly report: QuantizationReport | WeightsReport;
  readonly scheme?: string;
  readonly accuracy?: AccuracyReport;
  readonly recipe?: Recipe;
}

/** The options that the model was quantized with, and what the page needs besides. */
export interface QuantizationPageOptions extends Omit<QuantizeStaticOptions, 'biasCorrection'> {
  /** Read once. `quantizeStatic` and `quantize` need them; of the others the page shows weights and sizes without. */
  readonly calibrationData?: Samples;
  /** Default: the graph's name. */
  readonly title?: string;
  /** Most samples to compare answers on, evenly spread. Default 16. */
  readonly compareOn?: number;
}

/** What `quantizationPageData` of making.ts does. */
export async function quantizationPageData(
  source: Model | string | Uint8Array,
  quantized: QuantizedForPage,
  options: QuantizationPageOptions,
): Promise<QuantizationPageData> {
  const { title, compareOn = 16, ...settings } = options;
  const { signal } = settings;
  const model = await loadModel(source);
  const keeper = new SampleKeeper(compareOn);
  const { report, recipe } = quantized;
  const isStatic = 'activations' in report;
  const { graph, layers, tensors, samples, missing } = isStatic
    ? await measureStatic(model, report, quantized.accuracy !== undefined, settings, keeper)
    : await measureUncalibrated(model, recipe, settings, keeper);
  throwIfAborted(signal, 'report');
  const kept = keeper.samples;
  const compared =
    kept.length > 0 ? await compareModels(model, graph, quantized, kept, settings) : {};
  return {
    title: title ?? graph.name,
    scheme: quantized.scheme ?? schemeOf(report, recipe),
    kind: kindOf(report, recipe),
    samples,
    comparedOn: kept.length,
    bytes: bytesOf(report),
    answers: compared.answers,
    accuracy: quantized.accuracy,
    latency: compared.times?.latency,
    layers: pageLayers(graph, quantized, layers, compared.times),
    tensors,
    weights: weightFigures(graph, report.weights),
    missing,
    findings: isStatic ? report.findings : undefined,
    recipe,
  };
}

async function compareModels(
  model: Model,
  graph: Graph,
  quantized: QuantizedForPage,
  samples: readonly Feeds[],
  { session, signal }: Settings,
): Promise<{ readonly answers?: Measures; readonly times?: Times }> {
  const compare = await comparerTo(graph, { samples, session, signal });
  return {
    answers: await compare(quantized.model.graph),
    times: await timesOf(model.graph, quantized.model.graph, samples[0]!, session, signal),
  };
}

interface Measured {
  /** The float graph, cleaned up, and changed where samples decided so. */
  readonly graph: Graph;
  readonly layers: readonly MeasuredLayer[];
  readonly tensors: readonly TensorFigure[];
  readonly samples: number;
  readonly missing: readonly string[];
}

type Settings = Omit<QuantizationPageOptions, 'title' | 'compareOn'>;

async function measureStatic(
  model: Model,
  report: QuantizationReport,
  wasSearched: boolean,
  settings: Settings,
  keeper: SampleKeeper,
): Promise<Measured> {
  const { session, signal, onProgress } = settings;
  const { graph, placement, calibration, draft } = await prepareStatic(
    model,
    {
      ...settings,
      ...(wasSearched && calibratorOf(report)),
      ...(wasSearched && (await watchParts(model, settings, keeper.most))),
    },
    keeper,
  );
  const layers = await measureLayers(graph, placement, draft, {
    samples: keeper.samples,
    mode: 'only',
    parts: layerParts,
    session,
    signal,
    onDone: progressOf('sensitivity', onProgress),
  });
  const symmetric = settings.symmetric?.activations ?? false;
  const tensors = report.activations.map((activation) =>
    tensorFigure(activation, collectorOf(graph, activation.name, calibration), symmetric),
  );
  return { graph, layers, tensors, samples: report.model.samples, missing: [] };
}

/** Where a search left layers in float, values have ranges of their own that otherwise share one. */
async function watchParts(
  model: Model,
  settings: Settings,
  most: number,
): Promise<Partial<Settings>> {
  const { calibrationData, session, signal, onProgress } = settings;
  if (settings.calibration !== undefined || calibrationData === undefined) return {};
  const { nonFinite, opTypes, nodesToExclude, nodesToQuantize } = settings;
  const split = new Split({ data: calibrationData, kept: most, heldOut: 0, signal });
  const calibration = await calibrate(model, {
    ...{ opTypes, nodesToExclude, nodesToQuantize, nonFinite, session, signal, onProgress },
    calibrationData: split.calibrationData(),
  });
  return { calibration, calibrationData: split.kept };
}

/** Nothing was calibrated: samples serve to compare, and to measure what each layer costs, if there are any. */
async function measureUncalibrated(
  model: Model,
  recipe: Recipe | undefined,
  { calibrationData, session, signal, onProgress }: Settings,
  keeper: SampleKeeper,
): Promise<Measured> {
  const float = cleanFloatGraph(model.graph);
  const plan = recipe === undefined || recipe.kind === 'static' ? undefined : planOf(float, recipe);
  const graph = plan?.graph ?? float;
  const missing = [unranged[recipe?.kind === 'weights' ? 'weights' : 'dynamic']];
  const nothing = { graph, layers: [], tensors: [], samples: 0 };
  if (calibrationData === undefined) return { ...nothing, missing: [...missing, uncompared] };
  await keepSamples(calibrationData, keeper, signal);
  if (plan === undefined) return { ...nothing, missing: [...missing, unmeasured] };
  const variants = variantsOf(plan);
  const run = { samples: keeper.samples, session, signal };
  const sqnrs = await measureAlone(graph, variants, {
    ...run,
    onDone: progressOf('sensitivity', onProgress),
  });
  const counts = new Map(plan.nodes.map(({ node, tensor }) => [node.name, tensor.data.length]));
  const layers = variants.map(({ node }, i) => {
    return { node, weightCount: counts.get(node)!, parts: { both: { sqnr: sqnrs[i]! } } };
  });
  return { ...nothing, layers, missing };
}

const unranged = {
  dynamic:
    'Histograms and ranges of activations: nothing was calibrated. Activations are quantized while the model runs, each by its own range.',
  weights:
    'Histograms and ranges of activations: they stay as they are, and only weights are quantized.',
};
const uncompared =
  'Answers beside those of the float model, latency, and what each layer costs: no samples were given to run the models on (--data).';
const unmeasured = 'What each layer costs: the page was made without the recipe.';

function schemeOf(report: QuantizedForPage['report'], recipe: Recipe | undefined): string {
  if ('activations' in report) return `static, ${methodOf(report)}`;
  if (recipe?.kind !== 'weights') return 'dynamic';
  const { type, blockSize } = recipe;
  return `weights alone, ${type}${blockSize === undefined ? '' : ` in blocks of ${blockSize}`}`;
}

/** Weights alone, and codes of 16 bits, are computed with in float. */
function kindOf(report: QuantizedForPage['report'], recipe: Recipe | undefined) {
  const isWide = (type: string): boolean => type.endsWith('16');
  const wide =
    recipe?.kind === 'weights' ||
    (recipe?.kind === 'static' && recipe.layers.some(({ weightType }) => isWide(weightType))) ||
    ('activations' in report && report.activations.some(({ type }) => isWide(type)));
  return wide ? 'quantized' : 'INT8';
}

/** The calibrator that chose most ranges: of values that feed outputs alone it is 'max' whatever was asked for. */
function methodOf({ activations }: QuantizationReport): string {
  const names = activations.map(({ calibrator }) => calibrator);
  return names.find((name) => name !== 'max') ?? 'max';
}

/** A calibrator's name is its method and its parameter. */
function calibratorOf(report: QuantizationReport) {
  const [method, percentile] = methodOf(report).split(' ');
  return {
    calibrationMethod: method as CalibrationMethod,
    ...(percentile !== undefined && { percentile: Number(percentile) }),
  };
}
