/**
 * What the page of a quantization shows, as plain data, and how it is gathered: every layer quantized alone, both models
 * timed step by step, and what the samples showed of each value.
 */
import type { CalibrationMethod } from '../calibrate/index.js';
import { throwIfAborted } from '../core/errors.js';
import { type Graph, indexOf, qualifiedOp } from '../graph/ir.js';
import { loadModel, type Model } from '../onnx/model.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import { comparerTo } from '../quantize/answers.js';
import { calibrate } from '../quantize/calibrate.js';
import { collectorOf } from '../quantize/draft.js';
import type { Finding } from '../quantize/findings.js';
import type { WeightsReport } from '../quantize/floatWeights.js';
import type { QuantizeStaticOptions } from '../quantize/options.js';
import { dataInputs } from '../quantize/placement.js';
import { progressOf } from '../quantize/progress.js';
import type { AccuracyReport } from '../quantize/quantize.js';
import type { Recipe } from '../quantize/recipe.js';
import { bytesOf, type QuantizationReport, type WeightReport } from '../quantize/report.js';
import { keepSamples, SampleKeeper, type Samples } from '../quantize/samples.js';
import { type LayerSensitivity, measureLayers } from '../quantize/sensitivity.js';
import { Split } from '../quantize/split.js';
import { prepareStatic } from '../quantize/static.js';
import { layerParts } from '../quantize/variants.js';
import { createSession, type Feeds, type SessionOptions } from '../runtime/session.js';
import type { Measures } from './difference.js';
import { type TensorFigure, tensorFigure } from './tensorFigures.js';

/** One layer of the model, in the order of computation. */
export interface PageLayer {
  readonly node: string;
  readonly op: string;
  /** Whether it reads integers in the quantized model. */
  readonly integer: boolean;
  /** Number of weights; 0 where it has none. */
  readonly weightCount: number;
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

/** Milliseconds of one run, the sum of all steps. */
export interface PageLatency {
  readonly float: number;
  readonly int8: number;
  /** Backend, instruction set and threads. */
  readonly where: string;
}

export interface QuantizationPageData {
  /** The model, for people. */
  readonly title: string;
  /** How it was quantized, in a few words. */
  readonly scheme: string;
  /** Samples that ranges were chosen on, and that answers were compared on. */
  readonly samples: number;
  readonly comparedOn: number;
  /** Size of the models as files. */
  readonly bytes: { readonly before: number; readonly after: number };
  /** The quantized model's answers against the float model's, in front of a final softmax. */
  readonly answers: Measures;
  /** What `quantize` measured. */
  readonly accuracy?: AccuracyReport | undefined;
  readonly latency: PageLatency;
  /** In the order of computation. */
  readonly layers: readonly PageLayer[];
  /** In the order of computation. */
  readonly tensors: readonly TensorFigure[];
  readonly weights: readonly WeightReport[];
  readonly findings?: readonly Finding[] | undefined;
  /** Repeats the quantization: see `applyRecipe`. */
  readonly recipe?: Recipe | undefined;
}

/** What `quantizeStatic` or `quantize` resolved to. */
export interface QuantizedForPage {
  readonly model: Model;
  readonly report: QuantizationReport | WeightsReport;
  readonly scheme?: string;
  readonly accuracy?: AccuracyReport;
  readonly recipe?: Recipe;
}

/** The options that the model was quantized with, and what the page needs besides. */
export interface QuantizationPageOptions extends Omit<QuantizeStaticOptions, 'biasCorrection'> {
  /** Read once. */
  readonly calibrationData: Samples;
  /** Default: the graph's name. */
  readonly title?: string;
  /** Most samples to compare answers on, evenly spread. Default 16. */
  readonly compareOn?: number;
}

/**
 * Gathers what the page of a quantization shows. `source` is the float model. Layers take about three runs of half of the
 * model each, for every sample compared. Throws as `quantizeStatic` does.
 */
export async function quantizationPageData(
  source: Model | string | Uint8Array,
  quantized: QuantizedForPage,
  options: QuantizationPageOptions,
): Promise<QuantizationPageData> {
  const { title, compareOn = 16, ...settings } = options;
  const { session, signal } = settings;
  const model = await loadModel(source);
  const keeper = new SampleKeeper(compareOn);
  const { report } = quantized;
  const isStatic = 'activations' in report;
  const { graph, layers, tensors, samples } = isStatic
    ? await measureStatic(model, report, quantized.accuracy !== undefined, settings, keeper)
    : await measureNothing(model, settings, keeper);
  throwIfAborted(signal, 'report');
  const kept = keeper.samples;
  const compare = await comparerTo(graph, { samples: kept, session, signal });
  const answers = await compare(quantized.model.graph);
  const times = await timesOf(model.graph, quantized.model.graph, kept[0]!, session, signal);
  const method = isStatic ? methodOf(report) : 'dynamic';
  return {
    title: title ?? graph.name,
    scheme: quantized.scheme ?? `static, ${method}`,
    samples,
    comparedOn: kept.length,
    bytes: bytesOf(report),
    answers,
    accuracy: quantized.accuracy,
    latency: times.latency,
    layers: layersOf(graph, quantized, layers, times),
    tensors,
    weights: report.weights,
    findings: isStatic ? report.findings : undefined,
    recipe: quantized.recipe,
  };
}

interface Measured {
  /** The float graph, cleaned up. */
  readonly graph: Graph;
  readonly layers: readonly LayerSensitivity[];
  readonly tensors: readonly TensorFigure[];
  readonly samples: number;
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
  return { graph, layers, tensors, samples: report.model.samples };
}

/** Where a search left layers in float, values have ranges of their own that otherwise share one. */
async function watchParts(
  model: Model,
  settings: Settings,
  most: number,
): Promise<Partial<Settings>> {
  if (settings.calibration !== undefined) return {};
  const { session, signal, onProgress, nonFinite, opTypes, nodesToExclude, nodesToQuantize } =
    settings;
  const split = new Split({ data: settings.calibrationData, kept: most, heldOut: 0, signal });
  const calibration = await calibrate(model, {
    ...{ opTypes, nodesToExclude, nodesToQuantize, nonFinite, session, signal, onProgress },
    calibrationData: split.calibrationData(),
  });
  return { calibration, calibrationData: split.kept };
}

/** Nothing was calibrated: samples serve to compare. */
async function measureNothing(
  model: Model,
  { calibrationData, signal }: Settings,
  keeper: SampleKeeper,
): Promise<Measured> {
  await keepSamples(calibrationData, keeper, signal);
  const graph = cleanFloatGraph(model.graph);
  return { graph, layers: [], tensors: [], samples: keeper.offered };
}

interface Times {
  readonly latency: PageLatency;
  /** Milliseconds of each node's steps. */
  readonly float: ReadonlyMap<string, number>;
  readonly int8: ReadonlyMap<string, number>;
}

async function timesOf(
  float: Graph,
  quantized: Graph,
  feeds: Feeds,
  session: SessionOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Times> {
  const profileOf = async (graph: Graph) => {
    const running = await createSession(graph, session);
    try {
      return await running.profile(feeds, { signal });
    } finally {
      running.dispose();
    }
  };
  const [before, after] = [await profileOf(float), await profileOf(quantized)];
  const { backend, isa, threads } = after;
  const where = `${backend}, ${isa}, ${threads} thread${threads === 1 ? '' : 's'}`;
  return {
    latency: { float: before.ms, int8: after.ms, where },
    float: sumByNode(before.steps),
    int8: sumByNode(after.steps),
  };
}

function sumByNode(steps: readonly { readonly node: string; readonly ms: number }[]) {
  const sums = new Map<string, number>();
  for (const { node, ms } of steps) sums.set(node, (sums.get(node) ?? 0) + ms);
  return sums;
}

/** Layers that were measured, and nodes with weights that were not, in the order of computation. */
function layersOf(
  graph: Graph,
  { model, report }: QuantizedForPage,
  measured: readonly LayerSensitivity[],
  times: Times,
): PageLayer[] {
  const sensitivities = new Map(measured.map((layer) => [layer.node, layer]));
  const weighted = new Set([...report.floatNodes, ...report.weights.map(({ node }) => node)]);
  const activations = 'activations' in report ? report.activations : [];
  const noises = new Map('layers' in report ? report.layers.map((one) => [one.node, one]) : []);
  const integers = integerNodes(model.graph, report);
  const isWeighted = (name: string) => weighted.has(name);
  const float = layerTimes(graph, isWeighted, times.float);
  const int8 = layerTimes(graph, isWeighted, times.int8);
  return graph.nodes
    .filter(({ name }) => sensitivities.has(name) || weighted.has(name))
    .map((node): PageLayer => {
      const { name } = node;
      const layer = sensitivities.get(name);
      const values = new Set(dataInputs(graph, node));
      const read = activations.filter(({ sharedBy }) => sharedBy.some((one) => values.has(one)));
      const { both, weights, activations: inputs } = layer?.parts ?? {};
      return {
        node: name,
        op: qualifiedOp(node),
        integer: integers.has(name),
        weightCount: layer?.weightCount ?? 0,
        alone: { both: both?.sqnr, weights: weights?.sqnr, activations: inputs?.sqnr },
        outputs: noises.get(name),
        tensors: read.map((tensor) => tensor.name),
        clipped: read.length === 0 ? undefined : Math.max(...read.map(({ clipped }) => clipped)),
        floatMs: float.get(name),
        int8Ms: int8.get(name),
      };
    });
}

/** Steps are called by the last node that they compute: a product's time is that of the activation or sum fused to it. */
function layerTimes(
  graph: Graph,
  isWeighted: (name: string) => boolean,
  steps: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const index = indexOf(graph);
  const times = new Map(steps);
  for (const layer of graph.nodes) {
    if (!isWeighted(layer.name)) continue;
    let last = layer;
    while (!times.has(last.name)) {
      const readers = index.consumers(last.outputs[0]!);
      if (readers.length !== 1 || isWeighted(readers[0]!.name)) break;
      last = readers[0]!;
    }
    const time = times.get(last.name);
    if (last === layer || time === undefined) continue;
    times.delete(last.name);
    times.set(layer.name, time);
  }
  return times;
}

/** Names of nodes with quantized weights, and of those without weights that read through a DequantizeLinear. */
function integerNodes(quantized: Graph, report: QuantizedForPage['report']): ReadonlySet<string> {
  const index = indexOf(quantized);
  const float = new Set(report.floatNodes);
  const names = new Set(report.weights.map(({ node }) => node));
  for (const { name, inputs } of quantized.nodes) {
    const reads = inputs.some((input) => index.producer(input)?.op === 'DequantizeLinear');
    if (reads && !float.has(name)) names.add(name);
  }
  return names;
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
