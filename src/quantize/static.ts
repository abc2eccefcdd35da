/**
 * Static post-training quantization: a float model and samples in, an ordinary ONNX model in QDQ form
 * out. Batch norms are folded and activations are recognised first; placement says what becomes integer;
 * the calibrator chooses ranges from what the samples show; weights need no samples.
 */
import { type Calibrator, type Collector, createCalibrator } from '../calibrate/index.js';
import { OctavoError, throwIfAborted } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { type Mapping, paramsFromRange, perTensor, type QuantParams } from '../numerics/index.js';
import { loadModel, type Model } from '../onnx/model.js';
import { floatPasses } from '../passes/floatPasses.js';
import { runPasses } from '../passes/pass.js';
import { anchorOf } from './anchor.js';
import { type AnchorPatch, insertAnchorConstants, insertValuePairs } from './insert.js';
import { observe } from './observe.js';
import { type QuantizeStaticOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { type Placement, placeQuantization, type ValueGroup } from './placement.js';
import {
  type ActivationReport,
  buildReport,
  type QuantizationReport,
  valueReport,
} from './report.js';
import { selectNodes } from './select.js';
import { quantizeAnchor } from './weights.js';

export interface QuantizedModel {
  readonly model: Model;
  readonly report: QuantizationReport;
}

/**
 * Quantizes a model (a path, its bytes, or a loaded model) to INT8. The input model stays as it was.
 *
 * Weights: int8, symmetric, one scale per output channel, by their maximum. Activations: uint8, affine, by
 * the calibrator. Biases: int32. Values that feed the model's outputs are never clipped.
 *
 * Throws `INVALID_ARGUMENT`, `NO_MATCH`, `INVALID_CALIBRATION`, `INVALID_INPUT` (a sample that does not fit),
 * `UNSUPPORTED_OPERATOR`, `ABORTED`, and what `loadModel` throws.
 */
export async function quantizeStatic(
  source: Model | string | Uint8Array,
  options: QuantizeStaticOptions,
): Promise<QuantizedModel> {
  const resolved = resolveOptions(options);
  const { signal, onProgress } = options;
  throwIfAborted(signal, 'quantizeStatic');
  const model = await loadModel(source);
  const graph = runPasses(model.graph, floatPasses);
  const placement = placeQuantization(graph, selectNodes(graph, resolved));
  if (placement.anchors.length === 0) {
    throw new OctavoError('NO_MATCH', 'the model has nothing to quantize', {
      where: graph.name,
      expected: 'a Conv, Gemm or MatMul with constant weights among the selected nodes',
    });
  }
  const sources = placement.groups.map((group) => group.source);
  const { collectors, samples } = await observe(graph, sources, {
    data: options.calibrationData,
    nonFinite: resolved.nonFinite,
    session: options.session,
    onProgress,
    signal,
  });
  throwIfAborted(signal, 'quantizeStatic');

  const activations = chooseRanges(placement, collectors, resolved, (done, total) =>
    onProgress?.({ phase: 'ranges', done, total, etaMs: undefined }),
  );
  const anchors = quantizeAnchors(graph, placement, activations.params, resolved);
  const quantized = runPasses(graph, [
    insertValuePairs(activations.params),
    insertAnchorConstants(anchors),
  ]);
  onProgress?.({ phase: 'quantize', done: 1, total: 1, etaMs: 0 });
  const result: Model = { ...model, graph: quantized };
  const report = buildReport({
    before: model,
    after: result,
    graph,
    placement,
    samples,
    activations: activations.reports,
    anchors,
  });
  return { model: result, report };
}

interface ChosenRanges {
  readonly params: ReadonlyMap<string, QuantParams>;
  readonly reports: readonly ActivationReport[];
}

function chooseRanges(
  placement: Placement,
  collectors: ReadonlyMap<string, Collector>,
  options: ResolvedOptions,
  onDone: (done: number, total: number) => void,
): ChosenRanges {
  const calibrator = createCalibrator(options.calibrationMethod, {
    percentile: options.percentile,
  });
  const unclipped = createCalibrator('max');
  const mapping: Mapping = {
    type: options.activationType,
    symmetric: options.symmetricActivations,
  };
  const params = new Map<string, QuantParams>();
  const reports: ActivationReport[] = [];
  placement.groups.forEach((group, i) => {
    const collector = collectors.get(group.source)!;
    const chosen: Calibrator = keepsWholeRange(group) ? unclipped : calibrator;
    const range = chosen.range(collector, mapping);
    const { scale, zeroPoint } = paramsFromRange(range, mapping);
    for (const value of group.values) {
      params.set(value, perTensor(options.activationType, scale, zeroPoint));
    }
    reports.push(valueReport(group, collector, chosen.name, range, { scale, zeroPoint }, mapping));
    onDone(i + 1, placement.groups.length);
  });
  return { params, reports };
}

/** Logits and what leads to them decide answers by their extremes. */
function keepsWholeRange(group: ValueGroup): boolean {
  return group.feedsOutput;
}

function quantizeAnchors(
  graph: Graph,
  placement: Placement,
  params: ReadonlyMap<string, QuantParams>,
  options: ResolvedOptions,
): AnchorPatch[] {
  return placement.anchors.map((node) => {
    const anchor = anchorOf(graph, node)!;
    const inputScale = params.get(anchor.data)!.scale[0]!;
    return { node, weightName: anchor.weight, ...quantizeAnchor(anchor, inputScale, options) };
  });
}
