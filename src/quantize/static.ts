/**
 * Static post-training quantization: a float model and samples in, an ordinary ONNX model in QDQ form
 * out. Batch norms are folded and activations are recognised first; placement says what becomes integer;
 * the calibrator chooses ranges from what the samples show; weights need no samples, unless rounded by them;
 * biases may be corrected in the end.
 */
import { OctavoError, throwIfAborted } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { loadModel, type Model } from '../onnx/model.js';
import type { Feeds } from '../runtime/session.js';
import { anchorOf } from './anchor.js';
import { type CorrectedBiases, correctBiases } from './biases.js';
import type { Calibration } from './calibration.js';
import { chooseMethod, type MethodTrial } from './chooseMethod.js';
import { type Draft, draftOf, watchedValues, withWeights } from './draft.js';
import { observe } from './observe.js';
import {
  choosingSamples,
  keptSamples,
  type QuantizeStaticOptions,
  type ResolvedOptions,
  resolveOptions,
  roundingSamples,
} from './options.js';
import { type Placement, placeQuantization } from './placement.js';
import { type Prepared, prepareGraph } from './prepare.js';
import { progressOf } from './progress.js';
import { type WithRecipe, withRecipe } from './recipe.js';
import { buildReport, type QuantizationReport } from './report.js';
import { roundWeights, type SeenRounding } from './roundWeights.js';
import { keepSamples, type LayerRun, noSamples, SampleKeeper, spreadOf } from './samples.js';
import { selectNodes } from './select.js';
import { staticRecipe } from './staticRecipe.js';

export interface QuantizedModel extends WithRecipe {
  readonly model: Model;
  readonly report: QuantizationReport;
}

/** What `quantizeStatic` of making.ts does. */
export async function quantizeStatic(
  source: Model | string | Uint8Array,
  options: QuantizeStaticOptions,
): Promise<QuantizedModel> {
  const resolved = resolveOptions(options);
  const { session, signal, onProgress } = options;
  const keeper = new SampleKeeper(keptSamples(resolved));
  const prepared = await prepareStatic(source, options, keeper);
  const result = await finishStatic(prepared, {
    samples: spreadOf(keeper.samples, resolved.correctionSamples),
    session,
    signal,
    onDone: progressOf('correct', onProgress),
  });
  onProgress?.({ phase: 'quantize', done: 1, total: 1, etaMs: 0 });
  return result;
}

/** Corrects the biases of a draft, if its settings say so, and reports. */
export async function finishStatic(
  prepared: PreparedStatic,
  run: LayerRun,
): Promise<QuantizedModel> {
  const { graph, placement, draft, settings } = prepared;
  const names = placement.anchors.map((node) => node.name);
  const corrected =
    settings.correctionSamples > 0
      ? await correctBiases(graph, draft.quantized, names, run)
      : { graph: draft.quantized, layers: [] };
  return reported(prepared, corrected);
}

/** A draft with its biases corrected, as a model, with a report and a recipe. */
export function reported(prepared: PreparedStatic, corrected: CorrectedBiases): QuantizedModel {
  const { model: before, graph, placement, calibration, draft, settings, equalized } = prepared;
  const model: Model = { ...before, graph: corrected.graph };
  const report = buildReport({
    before,
    after: model,
    graph,
    placement,
    samples: calibration.samples,
    activations: draft.activations,
    anchors: draft.anchors,
    layers: corrected.layers,
    methods: prepared.methods,
    equalized: equalized.map(({ first, second }) => [first, second]),
    smoothed: prepared.smoothed.layers,
    options: settings,
  });
  const decisions = { ...prepared, quantized: model.graph };
  return withRecipe({ model, report }, () => staticRecipe(decisions));
}

/** Everything up to a draft. */
export interface PreparedStatic extends Prepared {
  readonly model: Model;
  readonly placement: Placement;
  readonly calibration: Calibration;
  readonly draft: Draft;
  /** The options, with the calibration method that was chosen. */
  readonly settings: ResolvedOptions;
  readonly methods: readonly MethodTrial[];
}

/** Loads, places, calibrates and drafts; `keeper` is offered the calibration data. */
export async function prepareStatic(
  source: Model | string | Uint8Array,
  options: QuantizeStaticOptions,
  keeper: SampleKeeper,
): Promise<PreparedStatic> {
  const resolved = resolveOptions(options);
  const { signal, onProgress } = options;
  throwIfAborted(signal, 'quantization');
  const model = await loadModel(source);
  const changes = await prepareGraph(model.graph, keeper, options, resolved);
  const { graph } = changes;
  const placement = placeStatic(graph, resolved);
  const calibration = await calibrationOf(graph, placement, options, resolved, keeper);
  throwIfAborted(signal, 'quantization');
  const methods = resolved.choosesMethod
    ? await chooseMethod(graph, placement, calibration, resolved, {
        samples: spreadOf(keeper.samples, choosingSamples),
        session: options.session,
        signal,
        onDone: progressOf('choose', onProgress),
      })
    : [];
  const settings = { ...resolved, ...methods[0] };
  const nearest = draftOf(graph, placement, calibration, settings, {
    onRange: (done, total) => onProgress?.({ phase: 'ranges', done, total, etaMs: undefined }),
  });
  const draft =
    resolved.rounding === 'nearest'
      ? nearest
      : await rounded(
          graph,
          nearest,
          resolved.rounding,
          spreadOf(keeper.samples, roundingSamples),
          options,
        );
  return { ...changes, model, placement, calibration, draft, settings, methods };
}

/** What becomes integer. Throws `NO_MATCH` where that is nothing. */
export function placeStatic(graph: Graph, options: ResolvedOptions): Placement {
  const placement = placeQuantization(graph, selectNodes(graph, options));
  if (placement.anchors.length > 0) return placement;
  throw new OctavoError('NO_MATCH', 'the model has nothing to quantize', {
    where: graph.name,
    expected: 'a Conv, Gemm or MatMul with constant weights among the selected nodes',
  });
}

/** What was handed in, or what the calibration data show now. Kept samples come from the data in both cases. */
async function calibrationOf(
  graph: Graph,
  placement: Placement,
  options: QuantizeStaticOptions,
  { nonFinite }: ResolvedOptions,
  keeper: SampleKeeper,
): Promise<Calibration> {
  const { calibration, calibrationData: data, session, onProgress, signal } = options;
  if (calibration === undefined) {
    if (data === undefined) throw noSamples('calibrationData, or a calibration');
    const values = watchedValues(graph, placement);
    const common = { data, nonFinite, session, onProgress, signal };
    const unfilled = keeper.samples.length === 0 ? keeper : undefined;
    return observe(graph, values, { ...common, keeper: unfilled });
  }
  calibration.requireGraph(graph);
  if (keeper.most > 0) {
    if (data === undefined) throw noSamples('calibrationData beside the calibration');
    await keepSamples(data, keeper, signal);
  }
  return calibration;
}

async function rounded(
  graph: Graph,
  draft: Draft,
  rounding: SeenRounding,
  samples: readonly Feeds[],
  { session, onProgress, signal }: QuantizeStaticOptions,
): Promise<Draft> {
  const layers = draft.anchors.map(({ node, weightName, weight: { params } }) => {
    const { weightTensor: tensor, channelAxis } = anchorOf(graph, node)!;
    return { node, weight: weightName, tensor, channelAxis, params };
  });
  const weights = await roundWeights(graph, layers, rounding, {
    samples,
    session,
    signal,
    onDone: progressOf('round', onProgress),
  });
  return withWeights(graph, draft, weights);
}
